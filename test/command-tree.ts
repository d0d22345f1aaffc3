// A tree of commands with every kind of flag and value, nested commands, and descriptions that a shell must not
// execute.

import type { CommandSpec } from "../src/report/command-spec.ts";

export const hostile = `it's a "test": [one] \\two $(touch canary) \`touch canary\` %d .so -- ; & | * ~`;
const any = { required: true, choices: [], completes: null };
const flag = (name: string) => ({ name, description: `${name} ${hostile}`, value: null, short: null, group: "Flags" });

export const tree: CommandSpec = {
  path: ["edox-ops"],
  long: "",
  examples: [],
  aliases: [],
  group: "",
  description: hostile,
  flags: [flag("--help")],
  values: [],
  words: [
    {
      path: ["edox-ops", "project"],
      long: "",
      examples: [],
      aliases: [],
      group: "",
      description: `project ${hostile}`,
      flags: [flag("--help")],
      values: [],
      words: [
        {
          path: ["edox-ops", "project", "add"],
          long: "",
          examples: [],
          aliases: [],
          group: "",
          description: `add ${hostile}`,
          flags: [
            flag("--yes"),
            { ...flag("--config"), value: { ...any, name: "file", description: hostile, completes: "file" } },
            { ...flag("--into"), value: { ...any, name: "directory", description: hostile, completes: "directory" } },
            { ...flag("--kind"), value: { ...any, name: "kind", description: hostile, choices: ["static", "spa"] } },
            { ...flag("--name"), value: { ...any, name: "name", description: hostile } },
          ],
          values: [
            { ...any, name: "slug", description: hostile },
            { ...any, name: "kind", description: hostile, required: false, choices: ["public", "private"] },
          ],
          words: [],
        },
        {
          path: ["edox-ops", "project", "remove"],
          long: "",
          examples: [],
          aliases: [],
          group: "",
          description: `remove ${hostile}`,
          flags: [flag("--yes"), flag("--json"), flag("--json=lines")],
          values: [],
          words: [],
        },
      ],
    },
  ],
};
