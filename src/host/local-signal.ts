// Termination signals of this process, recorded instead of obeyed.

import type { Signal } from "./host.ts";

const caught = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
const waiting = new Set<() => void>();
let first: Signal | null = null;

/** Implements {@link Host.catchSignals}. */
export function catchSignals(): () => Signal | null {
  for (const name of Object.keys(caught) as (keyof typeof caught)[]) {
    process.on(name, () => {
      first ??= { name, number: caught[name] };
      for (const end of waiting) end();
    });
  }
  return () => first;
}

/** Calls `end` at each signal until the returned function is called. */
export function atSignal(end: () => void): () => void {
  waiting.add(end);
  return () => void waiting.delete(end);
}
