import { localConsole } from "./host/local-console.ts";

/** argv in, exit code out. Where not even an error can be written, exit code 1 is all that is left to say. */
export async function main(typed: readonly string[], console = localConsole): Promise<number> {
  try {
    if (typed.length === 1 && typed[0] === "--version") {
      await console.out(`${EDOX_OPS_VERSION}\n`);
      return 0;
    }
    const [{ cli }, { hintFor }] = await Promise.all([import("./cli/cli.ts"), import("./report/voice.ts")]);
    const program = process.execPath;
    const hint = hintFor(program, process.geteuid?.() ?? 0);
    const host = () => import("./host/local.ts").then(({ localHost }) => localHost());
    const trees = () => import("./host/local-trees.ts").then(({ localTrees }) => localTrees());
    const variable = (name: string) => process.env[name];
    return await cli({ host, trees, console, variable, program, hint }, typed);
  } catch {
    return 1;
  }
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
