// The locks of a run, and the one order in which they are taken.

import { confirmHint, unconfirmedChange } from "../engine/interrupted.ts";
import type { Host } from "../host/host.ts";
import { LimitError } from "../host/system-error.ts";
import { Problem } from "../problem/problem.ts";
import { type Stop, throwIfInterrupted } from "../problem/wait.ts";
import { parentOf } from "../text/path.ts";
import { utcText } from "../text/time.ts";
import { withoutSecrets } from "./without-secrets.ts";

const pollMs = 20;

/**
 * Every run takes its locks in this order. Two runs that need the same locks then never wait for each other, and the
 * host's lock is held for the shortest time.
 */
export const lockOrder = ["backup", "project", "runner", "watch", "program", "selftest", "cleanup", "host"] as const;

export type LockName = (typeof lockOrder)[number];

interface LockRequest {
  name: LockName;
  path: string;
  /** Milliseconds to wait for another run; 0 by default. */
  waitMs?: number;
  /** The command to repeat later. */
  again: readonly string[];
  /** Ends the wait. */
  stop?: Stop;
}

export class Locks {
  readonly #host: Host;
  readonly #held: { name: LockName; release(): void }[] = [];

  constructor(host: Host) {
    this.#host = host;
  }

  /**
   * Takes a lock, and returns a function that releases it. Throws a Problem that names the holder if it is not released
   * in time, and an internal Problem if the lock precedes one that is held, or is of the same kind.
   */
  async take({ name, path, waitMs = 0, again, stop = () => null }: LockRequest): Promise<() => void> {
    const early = this.#held.find((held) => lockOrder.indexOf(held.name) >= lockOrder.indexOf(name));
    if (early) throw new Problem("internal", `internal error: the ${name} lock is taken after the ${early.name} lock`);
    const end = this.#host.now() + waitMs;
    let lock = this.#attempt(path);
    while (!("release" in lock) && this.#host.now() < end) {
      throwIfInterrupted(stop);
      await this.#host.sleep(pollMs);
      lock = this.#attempt(path);
    }
    if ("release" in lock) return this.#hold(name, lock);
    const since = new Date(lock.sinceMs).toISOString().slice(0, 19);
    const holder = withoutSecrets(lock.command.split(" ")).join(" ");
    const unconfirmed = name === "host" ? unconfirmedChange(this.#host) : null;
    const waits = unconfirmed && `; it waits for a confirmation until ${utcText(unconfirmed.untilMs)}`;
    const message = `another run holds the lock: ${holder} (pid ${lock.pid}, since ${since}Z)${waits ?? ""}`;
    throw new Problem("locked", message, { hint: waits === null ? again : confirmHint });
  }

  /** Releases all locks, the last one first. */
  releaseAll(): void {
    for (const { release } of this.#held.splice(0).reverse()) release();
  }

  #hold(name: LockName, lock: { release(): void }): () => void {
    const held = { name, release: () => lock.release() };
    this.#held.push(held);
    return () => {
      const at = this.#held.indexOf(held);
      if (at >= 0) this.#held.splice(at, 1)[0]?.release();
    };
  }

  #attempt(path: string): ReturnType<Host["lock"]> {
    try {
      return this.#host.lock(path);
    } catch (error) {
      if (error instanceof LimitError) throw error;
      const hint = ["ls", "-ld", parentOf(path)];
      throw new Problem(Problem.of(error).code, `the lock ${path} cannot be taken: ${(error as Error).message}`, {
        hint,
      });
    }
  }
}
