// Runs commands of a bench: wall time, processor time of all their processes, and the peak memory of edox-ops alone.

import { readdirSync, readFileSync } from "node:fs";

export interface Ran {
  ms: number;
  /** User and system time of the command and its children, in milliseconds. */
  cpu: number;
  stdout: string;
}

/** Runs a command that must succeed. */
export function timed(argv: readonly string[], env: Record<string, string> = {}): Ran {
  const start = performance.now();
  const { exitCode, stdout, stderr, resourceUsage } = Bun.spawnSync([...argv], { env: { ...process.env, ...env } });
  if (exitCode !== 0) throw new Error(`${argv.join(" ")} ended with ${exitCode}\n${stdout}${stderr}`);
  return {
    ms: performance.now() - start,
    cpu: Number(resourceUsage.cpuTime.total) / 1000,
    stdout: stdout.toString(),
  };
}

/** Runs a command, and returns the highest VmHWM of its processes named edox-ops, in MB. `look` is called every 20 ms. */
export async function peakOf(argv: readonly string[], look: () => void = () => {}): Promise<number> {
  const child = Bun.spawn([...argv], { stdout: "pipe", stderr: "pipe" });
  const output = Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  let peak = 0;
  while (child.exitCode === null && child.signalCode === null) {
    for (const pid of descendants(child.pid)) peak = Math.max(peak, memoryOf(pid));
    look();
    await Bun.sleep(20);
  }
  const said = (await output).join("");
  if (child.exitCode !== 0) throw new Error(`${argv.join(" ")} ended with ${child.exitCode}\n${said}`);
  if (peak === 0) throw new Error(`${argv.join(" ")} ended before its memory was read`);
  return peak;
}

function descendants(pid: number): number[] {
  try {
    const tasks = readdirSync(`/proc/${pid}/task`);
    const children = tasks.flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" "));
    return [pid, ...children.filter((each) => each !== "").flatMap((each) => descendants(Number(each)))];
  } catch {
    // It has ended.
    return [];
  }
}

function memoryOf(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    if (!status.startsWith("Name:\tedox-ops\n")) return 0;
    return (Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024) / 1e6;
  } catch {
    return 0;
  }
}
