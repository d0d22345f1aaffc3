// Termination signals of this process, recorded instead of obeyed.

import type { Signal } from "./host.ts";

const heeded = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
const waiting = new Set<() => void>();
let first: Signal | null = null;

/** Implements {@link Host.catchSignals}. */
export function catchSignals(): () => Signal | null {
  for (const name of Object.keys(heeded) as (keyof typeof heeded)[]) {
    process.on(name, () => {
      first ??= { name, number: heeded[name] };
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
