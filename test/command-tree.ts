// A tree of commands with every kind of flag and value, nested commands, and descriptions that a shell must not
// execute.

import type { CommandSpec } from "../src/report/command-spec.ts";

export const hostile = `it's a "test": [one] \\two $(touch canary) \`touch canary\` %d .so -- ; & | * ~`;
const any = { required: true, choices: [], path: null };
const flag = (name: string) => ({ name, description: `${name} ${hostile}`, value: null });

export const tree: CommandSpec = {
  path: ["edox-ops"],
  description: hostile,
  flags: [flag("--help")],
  values: [],
  words: [
    {
      path: ["edox-ops", "project"],
      description: `project ${hostile}`,
      flags: [flag("--help")],
      values: [],
      words: [
        {
          path: ["edox-ops", "project", "add"],
          description: `add ${hostile}`,
          flags: [
            flag("--yes"),
            { ...flag("--config"), value: { ...any, name: "file", description: hostile, path: "file" } },
            { ...flag("--into"), value: { ...any, name: "directory", description: hostile, path: "directory" } },
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
          description: `remove ${hostile}`,
          flags: [flag("--yes"), flag("--json"), flag("--json=lines")],
          values: [],
          words: [],
        },
      ],
    },
  ],
};
