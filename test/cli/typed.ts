import { cli } from "../../src/cli/cli.ts";
import type { Host } from "../../src/host/host.ts";
import { localTrees } from "../../src/host/local-trees.ts";
import { OutputError } from "../../src/host/system-error.ts";
import type { Trees } from "../../src/host/trees.ts";
import { hintFor } from "../../src/report/style.ts";
import { fakeDebian } from "../fake-debian.ts";

/** The environment variables of every command line. */
export const variables: Record<string, string> = {};
export const secretLine = "glrt-from-stdin";

/**
 * Runs a command line on a host, and returns its exit code and output. `person`: the answer at a terminal. `broken`:
 * the error code of stdout. `program`: the path of the executable.
 */
export function typed(line: string, host?: Host, person?: boolean, broken?: string, program?: string, trees?: Trees) {
  return typedWords(line.split(" ").filter(Boolean), host, person, broken, program, trees);
}

/** Runs a command line whose words may contain spaces. */
export async function typedWords(
  words: readonly string[],
  host: Host = fakeDebian(),
  person?: boolean,
  broken?: string,
  program = "/usr/local/bin/edox-ops",
  trees: Trees = localTrees("/none"),
) {
  let out = "";
  let err = "";
  const console = {
    async out(text: string) {
      if (broken)
        throw new OutputError(Object.assign(new Error(`${broken}: it takes nothing, write`), { code: broken }));
      out += text;
    },
    err(text: string) {
      err += text;
    },
    colour: () => false,
    columns: () => null,
    interactive: () => person !== undefined,
    confirm: async () => person === true,
    secret: async () => secretLine,
  };
  const exit = await cli(
    {
      host: async () => host,
      trees: async () => trees,
      console,
      variable: (name) => variables[name],
      program,
      hint: hintFor(program, host.uid),
    },
    words,
  );
  return { exit, out, err };
}
