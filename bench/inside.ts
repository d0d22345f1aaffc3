// Runs in the host: the quick commands in turn, so that noise hits all alike, and the slow ones after them, since what
// runs for seconds leaves cold caches to the next; then each once more, watched by strace and time.

export interface Command {
  name: string;
  argv: string[];
  /** Only in each so-many-th round: what is slow is run less often. */
  every?: number;
  /** What puts the host back afterwards, outside of the clock. */
  after?: string[];
}

export interface Spec {
  commands: Command[];
  rounds: number;
  /** Rounds before them that do not count, of what runs in every one. */
  warmUps: number;
  watched: boolean;
}

export interface Measured {
  name: string;
  /** Milliseconds, one a round. */
  times: number[];
  /** Processes that it started, and theirs. -1: it was not watched. */
  children: number;
  /** Of the largest of them and itself, in MB. */
  peak: number;
}

const tracePath = "/run/bench-trace";
const peakPath = "/run/bench-peak";
// Only what makes a process stops a process.
const strace = ["strace", "-f", "-qq", "--seccomp-bpf", "-e", "trace=fork,vfork,clone,clone3", "-o", tracePath];
// Its child is no copy of a large process: the kernel counts what a process was before it became another program.
const time = ["time", "-f", "%M", "-o", peakPath];

/** Processes that were started, by strace's lines. A thread is none, and neither is a call that the kernel begins anew. */
export function startedIn(trace: string): number {
  let started = 0;
  /** Those whose call is not over, and is to make a thread. */
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

/** Milliseconds of one run, which must end well. */
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
    // The program `time` starts one of them.
    measured.children = startedIn(await Bun.file(tracePath).text()) - 1;
    measured.peak = Number(await Bun.file(peakPath).text()) / 1024;
  }
  return found;
}

if (import.meta.main) console.log(JSON.stringify(await measure(JSON.parse(process.argv[2] ?? ""))));
