// Child processes, started by absolute path, with a clean environment and in a session of their own.

import * as fs from "node:fs";
import { parentOf } from "../text/path.ts";
import type { Output, RunOptions } from "./host.ts";
import { childError } from "./local-limits.ts";
import { atSignal } from "./local-signal.ts";
import { statOf } from "./local-stat.ts";
import { isRootsAlone } from "./ownership.ts";

const programDirs = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
const proxyNames = ["http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy"];
/** Output that arrives later than this after the program has exited comes from another process. */
const lateOutputMs = 1000;
/** Number of characters of a program's output that are kept, so that endless output cannot exhaust the memory. */
const mostOutput = 16 * 1024 * 1024;
/** Number of characters that are kept of a line whose end has not arrived. */
const longestLine = 64 * 1024;

function environment(): Record<string, string> {
  const clean: Record<string, string> = { PATH: programDirs.join(":"), HOME: "/root", LC_ALL: "C.UTF-8" };
  for (const name of proxyNames) {
    for (const spelling of [name, name.toUpperCase()]) {
      const value = process.env[spelling];
      if (value !== undefined) clean[spelling] = value;
    }
  }
  return clean;
}

/**
 * Returns the absolute path of a program, so that no PATH decides what root runs. `foreign`: the first program of this
 * name that root skips because another user could change it.
 */
function programPath(name: string): { program?: string; foreign?: string } {
  if (name.startsWith("/")) return fs.existsSync(name) ? { program: name } : {};
  const found = programDirs.map((dir) => `${dir}/${name}`).filter((path) => fs.existsSync(path));
  const program = process.geteuid?.() === 0 ? found.find(isRootsProgram) : found[0];
  return program === undefined ? { ...(found[0] !== undefined && { foreign: found[0] }) } : { program };
}

function isRootsProgram(path: string): boolean {
  const real = fs.realpathSync(path);
  const dir = parentOf(real);
  return [dir, real].every((each) => isRootsAlone(statOf(fs.lstatSync(each))));
}

/** Implements {@link Host.run}: runs a program to its end. */
export async function start(argv: readonly string[], options: RunOptions = {}): Promise<Output> {
  const [name = ""] = argv;
  const { program, foreign } = programPath(name);
  if (foreign !== undefined) {
    return { code: 126, stdout: "", stderr: `${foreign} can be changed by others than root, and is not run` };
  }
  if (program === undefined) return { code: 127, stdout: "", stderr: `${name} is not installed` };

  const child = spawnChild(program, argv, options);
  if ("code" in child) return child;
  const status = options.onStatus && collect(Bun.file(child.stdio[3] as number).stream(), byLine(options.onStatus));
  let answered = false;
  const out = collect(child.stdout, options.onOutput, options.enoughBytes, () => {
    answered = true;
    endGroup(child.pid);
  });
  const readLine = byLine((line) => {
    if (options.endsWhen?.(line)) endGroup(child.pid);
  });
  const err = collect(child.stderr, (text) => {
    options.onOutput?.(text);
    readLine(text);
  });
  const feeding = options.input && feed(child, options.input);
  let timedOut = false;
  const { limitMs } = options;
  const timer =
    limitMs &&
    setTimeout(() => {
      timedOut = true;
      if (options.endsInOrder) child.kill("SIGINT");
      else endGroup(child.pid);
    }, limitMs);
  const forget = options.endsInOrder && atSignal(() => child.kill("SIGINT"));
  const code = await child.exited;
  if (forget) forget();
  status?.cancel();
  if (timer) clearTimeout(timer);
  // A daemon that the program started may keep its pipes open forever.
  const late = setTimeout(() => Promise.all([out.cancel(), err.cancel()]), lateOutputMs);
  const [stdout, stderr] = await Promise.all([out.text, err.text]);
  clearTimeout(late);
  const unfed = await feeding;
  if (unfed !== undefined) throw unfed;
  if (answered) return { code: 0, stdout, stderr };
  if (!timedOut || code === 0) return { code, stdout, stderr };
  return { code: 124, stdout, stderr: `${stderr}no answer within ${(limitMs ?? 0) / 1000} s\n` };
}

/**
 * Starts the program in a session of its own. A Ctrl-C at the terminal then does not reach a running dpkg, and the
 * whole process group can be killed. For a program that cannot be executed, returns exit code 126, as a shell does.
 */
function spawnChild(program: string, [name = "", ...rest]: readonly string[], { env, input, onStatus }: RunOptions) {
  try {
    return Bun.spawn([program, ...rest], {
      argv0: name,
      cwd: "/",
      env: { ...environment(), ...env },
      stdio: [input ? "pipe" : "ignore", "pipe", "pipe", ...(onStatus ? (["pipe"] as const) : [])],
      detached: true,
    });
  } catch (error) {
    const why = whyNotExecuted(error);
    if (why === undefined) throw childError(name, error);
    return { code: 126, stdout: "", stderr: `${program} ${why}` };
  }
}

/**
 * Writes the input to the program, no faster than it reads. If the input throws, the program is killed, because it could
 * take an incomplete input for a whole one, and the error is returned.
 */
async function feed({ stdin, pid }: Bun.Subprocess, input: AsyncIterable<Uint8Array>): Promise<unknown> {
  if (stdin === undefined || typeof stdin === "number") return undefined;
  const written = async (act: () => unknown): Promise<boolean> => {
    try {
      await act();
      return true;
    } catch {
      // The program has closed its stdin. Its exit code says whether it had read enough.
      return false;
    }
  };
  try {
    for await (const piece of input) {
      // Both can reject: a rejected write that is not awaited would end this program.
      const isRead = await written(async () => {
        await stdin.write(piece);
        await stdin.flush();
      });
      if (!isRead) break;
    }
    return undefined;
  } catch (error) {
    endGroup(pid);
    return error;
  } finally {
    await written(() => stdin.end());
  }
}

/** Returns the reason, or undefined if the program itself is not the cause. */
function whyNotExecuted(error: unknown): string | undefined {
  const reasons: Record<string, string> = {
    EACCES: "is not executable, or its file system is mounted noexec",
    ENOEXEC: "is not a program for this machine",
    ENOENT: "names an interpreter that is missing",
    ETXTBSY: "is open for writing",
  };
  return reasons[(error as NodeJS.ErrnoException).code ?? ""];
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // The process group has exited in the meantime.
  }
}

/** Splits pieces of output into whole lines. Of a line that does not end, only the end is kept. */
function byLine(hear: (line: string) => void): (text: string) => void {
  let rest = "";
  return (text) => {
    const lines = (rest + text).split("\n");
    rest = (lines.pop() ?? "").slice(-longestLine);
    for (const line of lines) hear(line);
  };
}

/** Collects output until the stream ends, is cancelled, or has delivered `enough` bytes. */
function collect(
  stream: ReadableStream<Uint8Array>,
  onOutput?: (text: string) => void,
  enough = Number.POSITIVE_INFINITY,
  onEnough?: () => void,
) {
  const reader = stream.getReader();
  return { text: read(), cancel: () => reader.cancel() };

  async function read(): Promise<string> {
    const decoder = new TextDecoder();
    let all = "";
    let left = enough;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return all.slice(-mostOutput);
      const text = decoder.decode(value.subarray(0, left), { stream: true });
      left -= value.length;
      // The end of the output matters most, so the program keeps running and the beginning is dropped.
      all = all.length > 2 * mostOutput ? all.slice(-mostOutput) + text : all + text;
      onOutput?.(text);
      if (left > 0) continue;
      onEnough?.();
      await reader.cancel();
      return all;
    }
  }
}
