export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** No time limit of a test applies while it waits here for a command. */
const limitMs = 15 * 60_000;

export function run(argv: readonly string[]): Ended {
  const limit = { timeout: limitMs, killSignal: "SIGKILL" } as const;
  const { exitCode, stdout, stderr } = Bun.spawnSync([...argv], { stdin: "ignore", ...limit });
  return { code: exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

/** Returns the stdout of a command that must succeed. */
export function must(argv: readonly string[]): string {
  const { code, stdout, stderr } = run(argv);
  if (code !== 0) throw new Error(`${argv.join(" ")} failed (${code})\n${stdout}${stderr}`);
  return stdout;
}
