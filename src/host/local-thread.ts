// A second thread for operations on many files. It is not used on a single processor, or for few files.

import { files } from "./local-files.ts";

type Files = typeof files;
type Name = keyof Files;

interface Work {
  name: Name;
  given: unknown[];
}

interface Failed {
  error: { message: string; code?: string };
}

type Done = { answer: unknown } | Failed;

/**
 * Number of files up to which the second thread is not started. It costs 8 ms and 10 MB, which fewer files do not
 * recover.
 */
const alone = 1000;
/** Maximum number of pending tasks. With two instead of four, a deploy of 200,000 files took a tenth longer. */
const most = 4;

/** Number of tasks between garbage collections. The runtime would let their garbage accumulate. */
const worksACollection = 64;

export class SecondThread {
  #worker: Worker | null = null;
  /**
   * The number of pending tasks, in memory shared by both threads, because a response only arrives when the first
   * thread waits.
   */
  readonly #open = new Int32Array(new SharedArrayBuffer(4));
  readonly #asked: ({ work: Work } & PromiseWithResolvers<unknown>)[] = [];
  #count = 0;

  /** Runs a task on the second thread if it has capacity, and otherwise on this one. `count`: number of files. */
  async run<N extends Name>(name: N, count: number, ...given: Parameters<Files[N]>): Promise<ReturnType<Files[N]>> {
    this.#count += count;
    const work: Work = { name, given };
    const hasTime =
      count > 0 && this.#count > alone && navigator.hardwareConcurrency > 1 && Atomics.load(this.#open, 0) < most;
    return (hasTime ? await this.#ask(work) : answerOf(work)) as ReturnType<Files[N]>;
  }

  #ask(work: Work): Promise<unknown> {
    this.#worker ??= this.#start();
    const request = { work, ...Promise.withResolvers<unknown>() };
    this.#asked.push(request);
    Atomics.add(this.#open, 0, 1);
    this.#worker.ref();
    this.#worker.postMessage(work);
    return request.promise;
  }

  #start(): Worker {
    const worker = new Worker(new URL("./local-thread.ts", import.meta.url).href, { smol: true });
    worker.postMessage(this.#open);
    worker.onmessage = ({ data }: MessageEvent<Done>) => {
      const request = this.#asked.shift();
      if ("answer" in data) request?.resolve(data.answer);
      else request?.reject(errorOf(data));
      if (this.#asked.length === 0) worker.unref();
    };
    // A worker that cannot start, or exits, gets no more tasks, and this thread does its pending ones.
    worker.onerror = () => this.#end();
    worker.addEventListener("close", () => this.#end());
    return worker;
  }

  #end(): void {
    Atomics.store(this.#open, 0, most);
    for (const { work, resolve, reject } of this.#asked.splice(0)) {
      const done = doneOf(work);
      if ("answer" in done) resolve(done.answer);
      else reject(errorOf(done));
    }
  }
}

function answerOf({ name, given }: Work): unknown {
  return (files[name] as (...given: unknown[]) => unknown)(...given);
}

function doneOf(work: Work): Done {
  try {
    return { answer: answerOf(work) };
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    return { error: { message, ...(code && { code }) } };
  }
}

function errorOf({ error: { message, code } }: Failed): Error {
  return Object.assign(new Error(message), { code });
}

/** Runs in the second thread. The first message contains the counter of pending tasks. */
function serve(self: Worker): void {
  let open: Int32Array;
  let done = 0;
  self.onmessage = ({ data }: MessageEvent<Int32Array | Work>) => {
    if (data instanceof Int32Array) {
      open = data;
      return;
    }
    const answer = doneOf(data);
    Atomics.sub(open, 0, 1);
    self.postMessage(answer);
    if (++done % worksACollection === 0) Bun.gc(true);
  };
}

if (!Bun.isMainThread) serve(globalThis as unknown as Worker);
