export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

export function run(argv: readonly string[]): Ended {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...argv], { stdin: "ignore" });
  return { code: exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

/** Returns the stdout of a command that must succeed. */
export function must(argv: readonly string[]): string {
  const { code, stdout, stderr } = run(argv);
  if (code !== 0) throw new Error(`${argv.join(" ")} failed (${code})\n${stdout}${stderr}`);
  return stdout;
}
