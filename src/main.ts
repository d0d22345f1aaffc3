import { localConsole } from "./host/local-console.ts";
import { demandTasks } from "./host/local-limits.ts";
import { LimitError, OutputError } from "./host/system-error.ts";
import { debugVariable, traceHint, traceOf } from "./report/trace.ts";
import { lineOf, shellLine } from "./text/lines.ts";

/** Runs the program with these arguments and returns its exit code. */
export async function main(typed: readonly string[], console = localConsole): Promise<number> {
  try {
    if (typed.length === 1 && typed[0] === "--version") {
      await console.out(`${EDOX_OPS_VERSION}\n`);
      return 0;
    }
    // The import below starts the first thread.
    demandTasks();
    const [{ cli }, { hintFor }] = await Promise.all([import("./cli/cli.ts"), import("./report/style.ts")]);
    const program = process.execPath;
    // A user of sudo types the next command as that user.
    const isRoot = process.geteuid?.() === 0 && !process.env.SUDO_UID;
    const hint = hintFor(program, isRoot);
    const host = () => import("./host/local.ts").then(({ localHost }) => localHost());
    const trees = () => import("./host/local-trees.ts").then(({ localTrees }) => localTrees());
    const variable = (name: string) => process.env[name];
    return await cli({ host, trees, console, variable, program, hint }, typed);
  } catch (error) {
    return crashed(error, console);
  }
}

/**
 * Reports an error that no command handled, in one line: the runtime would print source code. Returns the exit code.
 */
export function crashed(error: unknown, console: Pick<typeof localConsole, "err"> = localConsole): number {
  const { message } = error instanceof Error ? error : new Error(String(error));
  if (error instanceof OutputError) {
    if (error.code !== "EPIPE") console.err(lineOf`error: ${message}`);
    return 1;
  }
  if (error instanceof LimitError) {
    console.err(lineOf`error: ${message}`);
    if (error.hint) console.err(lineOf`hint: ${shellLine(error.hint)}`);
    return 1;
  }
  console.err(lineOf`error: internal error: ${message}`);
  console.err(process.env[debugVariable] ? traceOf(error) : lineOf`${traceHint}`);
  return 1;
}

/** Makes an uncaught exception and an unhandled rejection end this process in the same way as every other error. */
export function handleCrashes(): void {
  const end = async (error: unknown): Promise<void> => {
    const exit = crashed(error);
    await localConsole.written();
    process.exit(exit);
  };
  process.on("uncaughtException", end);
  process.on("unhandledRejection", end);
}

if (import.meta.main) {
  handleCrashes();
  process.exitCode = await main(process.argv.slice(2));
}
