export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** No time limit of a test applies while it waits here for a command. An emulated processor takes longer. */
const limitMinutes = process.env.EDOX_SOAK === "1" ? 30 : 8;

/** Runs a command. Throws with its words and its output if it does not end within the limit. */
export function run(argv: readonly string[], limitMs = limitMinutes * 60_000): Ended {
  const limit = { timeout: limitMs, killSignal: "SIGKILL" } as const;
  const ended = Bun.spawnSync([...argv], { stdin: "ignore", ...limit });
  const [stdout, stderr] = [ended.stdout.toString(), ended.stderr.toString()];
  if (ended.exitedDueToTimeout) {
    const what = `${argv.join(" ")} did not end, or something that it started kept its output`;
    throw new Error(`${what}, within ${limitMs / 1000} s\n${stdout}${stderr}`);
  }
  return { code: ended.exitCode, stdout, stderr };
}

/**
 * Returns the command line that runs a command, and ends it with all that it started after the limit. Its exit code is
 * 124 then.
 */
export function limited(argv: readonly string[]): string[] {
  return ["timeout", "--verbose", "--kill-after=10", `${limitMinutes}m`, ...argv];
}

/** Returns the stdout of a command that must succeed. */
export function must(argv: readonly string[], limitMs?: number): string {
  const { code, stdout, stderr } = run(argv, limitMs);
  if (code !== 0) throw new Error(`${argv.join(" ")} failed (${code})\n${stdout}${stderr}`);
  return stdout;
}
