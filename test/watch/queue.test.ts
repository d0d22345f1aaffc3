// How events wait for a receiver that does not accept them.

import { describe, expect, test } from "bun:test";
import { attempted, emptyQueue, isDue, mostQueued, waited, withEvents } from "../../src/watch/queue.ts";
import type { AlertEvent, Queue } from "../../src/watch/state.ts";

const event = (id: number): AlertEvent => ({
  ...{ id, kind: "failing", check: `c${id}`, status: "error", detail: "down", also: [] },
  ...{ since: "2026-11-29T06:40:00.000Z", at: "2026-11-29T06:45:00.000Z" },
});

/** Returns the looks, counted from 1, in which a receiver that is down is asked. */
function attemptsOf(everySeconds: number, looks: number): number[] {
  let queue: Queue = withEvents(emptyQueue, [event(1)]);
  const made: number[] = [];
  for (let look = 1; look <= looks; look++) {
    if (!isDue(queue)) queue = waited(queue);
    else {
      made.push(look);
      queue = attempted(queue, "connection refused", "now", everySeconds);
    }
  }
  return made;
}

describe("queue of alerts:", () => {
  test("attempts are 1, 2, 4 and up to 60 minutes apart", () => {
    expect(attemptsOf(60, 200)).toEqual([1, 2, 4, 8, 16, 32, 64, 124, 184]);
    expect(attemptsOf(300, 40)).toEqual([1, 2, 3, 4, 6, 10, 17, 29]);
    expect(attemptsOf(86_400, 4)).toEqual([1, 2, 3, 4]);
  });

  test("a new event is sent with the next look, and everything that waits goes with it", () => {
    let queue = withEvents(emptyQueue, [event(1)]);
    for (let i = 0; i < 8; i++) queue = attempted(queue, "connection refused", `${i}`, 60);
    expect(isDue(queue)).toBe(false);
    queue = withEvents(queue, [event(2)]);
    expect([isDue(queue), queue.events.map(({ id }) => id), queue.failing_since]).toEqual([true, [1, 2], "0"]);
    expect(attempted(queue, null, "later", 60)).toEqual({ ...emptyQueue, delivered: "later" });
  });

  test("more events than fit drop the oldest ones, and their number is kept", () => {
    let queue = emptyQueue;
    for (let i = 0; i < mostQueued + 7; i++) queue = withEvents(queue, [event(i)]);
    expect([queue.events.length, queue.events[0]?.id, queue.dropped]).toEqual([mostQueued, 7, 7]);
  });

  test("a queue without events neither waits nor is due", () => {
    expect([isDue(emptyQueue), waited(emptyQueue), withEvents(emptyQueue, [])]).toEqual([
      false,
      emptyQueue,
      emptyQueue,
    ]);
  });
});
