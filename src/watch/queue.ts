// The events that a receiver has not accepted yet. Waits are counted in looks, so that no change of the clock matters.

import type { AlertEvent, Queue } from "./state.ts";

/** A receiver that is down for weeks gets the newest ones. */
export const mostQueued = 500;
const longestWaitMinutes = 60;

export const emptyQueue: Queue = {
  ...{ events: [], attempts: 0, reason: null, failing_since: null },
  ...{ skip: 0, dropped: 0, delivered: null },
};

/** Returns the queue with further events. They do not wait for an earlier failure to be retried. */
export function withEvents(queue: Queue, events: readonly AlertEvent[]): Queue {
  if (events.length === 0) return queue;
  const all = [...queue.events, ...events];
  const dropped = Math.max(0, all.length - mostQueued);
  return { ...queue, events: all.slice(dropped), dropped: queue.dropped + dropped, skip: 0 };
}

/** Returns whether a look makes an attempt. */
export function isDue({ events, skip }: Queue): boolean {
  return events.length > 0 && skip === 0;
}

/** Returns the queue after a look that made no attempt. */
export function waited(queue: Queue): Queue {
  return queue.events.length === 0 ? queue : { ...queue, skip: Math.max(0, queue.skip - 1) };
}

/** Returns the queue after an attempt. `reason`: why it failed, or null. `now`: in ISO 8601. */
export function attempted(queue: Queue, reason: string | null, now: string, everySeconds: number): Queue {
  if (reason === null) return { ...emptyQueue, delivered: now };
  const attempts = queue.attempts + 1;
  const failing_since = queue.failing_since ?? now;
  return { ...queue, attempts, reason, failing_since, skip: waitOf(attempts, everySeconds) };
}

/** Returns the looks without an attempt after this many failures: 1, 2, 4 … 60 minutes, as near as looks allow. */
function waitOf(attempts: number, everySeconds: number): number {
  const minutes = Math.min(longestWaitMinutes, 2 ** Math.min(attempts - 1, 10));
  return Math.max(0, Math.ceil((minutes * 60) / everySeconds) - 1);
}
