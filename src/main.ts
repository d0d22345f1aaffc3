import { localConsole } from "./host/local-console.ts";

/** argv in, exit code out. Where not even an error can be written, exit code 1 is all that is left to say. */
export async function main(typed: readonly string[], console = localConsole()): Promise<number> {
  try {
    if (typed.length === 1 && typed[0] === "--version") {
      console.out(`${EDOX_OPS_VERSION}\n`);
      return 0;
    }
    const [{ cli }, { localHost }] = await Promise.all([import("./cli/cli.ts"), import("./host/local.ts")]);
    return await cli({ host: localHost(), console }, typed);
  } catch {
    return 1;
  }
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
