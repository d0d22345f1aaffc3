// Runs on the host. Interleaves the fast commands, so that noise affects all alike. Runs the slow ones after them,
// because a command of several seconds leaves cold caches behind. Then runs each once more under strace and time.

export interface Command {
  name: string;
  argv: string[];
  /** Runs only in every n-th round, for slow commands. */
  every?: number;
  /** Resets the host afterwards, which is not timed. */
  after?: string[];
}

export interface Spec {
  commands: Command[];
  rounds: number;
  /** The number of warm-up rounds that are not counted, for commands that run in every round. */
  warmUps: number;
  watched: boolean;
}

export interface Measured {
  name: string;
  /** Milliseconds, one value per round. */
  times: number[];
  /** The number of child processes, including indirect ones. -1: not measured. */
  children: number;
  /** The peak memory of the largest process, including the command itself, in MB. */
  peak: number;
}

const tracePath = "/run/bench-trace";
const peakPath = "/run/bench-peak";
// The filter stops a process only at calls that create a process.
const strace = ["strace", "-f", "-qq", "--seccomp-bpf", "-e", "trace=fork,vfork,clone,clone3", "-o", tracePath];
// `time` is a small process: the kernel counts the memory of a process before its exec too.
const time = ["time", "-f", "%M", "-o", peakPath];

/** Returns the number of processes started, from the output of strace. Ignores threads and restarted system calls. */
export function startedIn(trace: string): number {
  let started = 0;
  /** Processes in an unfinished call that creates a thread. */
  const threading = new Set<string>();
  for (const line of trace.split("\n")) {
    const [, pid = "", resumed] =
      /^(\d+) +(?:(<\.\.\. )(?:v?fork|clone3?) resumed>|(?:v?fork|clone3?)\()/.exec(line) ?? [];
    if (pid === "") continue;
    const thread = line.includes("CLONE_THREAD") || (resumed !== undefined && threading.has(pid));
    threading.delete(pid);
    if (line.endsWith("<unfinished ...>")) {
      if (thread) threading.add(pid);
    } else if (!thread && /= [1-9]\d*$/.test(line)) started += 1;
  }
  return started;
}

/** Returns the milliseconds of one run, which must succeed. */
function timed({ argv, after }: Command, watch: readonly string[] = []): number {
  const start = Bun.nanoseconds();
  must([...watch, ...argv]);
  const ms = (Bun.nanoseconds() - start) / 1e6;
  if (after) must(after);
  return ms;
}

function must(argv: string[]): void {
  const env = { ...process.env, LC_ALL: "C.UTF-8" };
  const { exitCode } = Bun.spawnSync(argv, { env, stdin: "ignore", stdout: "ignore", stderr: "ignore" });
  if (exitCode !== 0) throw new Error(`${argv.join(" ")} ended with ${exitCode}`);
}

async function measure({ commands, rounds, warmUps, watched }: Spec): Promise<Measured[]> {
  const all = commands.map((command) => ({ command, times: [] as number[] }));
  for (const slow of [false, true]) {
    for (let round = slow ? 0 : -warmUps; round < rounds; round++) {
      for (const { command, times } of all) {
        const { every = 1 } = command;
        if (every > 1 !== slow || round % every !== 0) continue;
        const ms = timed(command);
        if (round >= 0) times.push(ms);
      }
    }
  }
  const found: Measured[] = [];
  for (const { command, times } of all) {
    const measured = { name: command.name, times, children: -1, peak: 0 };
    found.push(measured);
    if (!watched) continue;
    timed(command, [...strace, ...time]);
    // One of them was started by `time`.
    measured.children = startedIn(await Bun.file(tracePath).text()) - 1;
    measured.peak = Number(await Bun.file(peakPath).text()) / 1024;
  }
  return found;
}

if (import.meta.main) console.log(JSON.stringify(await measure(JSON.parse(process.argv[2] ?? ""))));
