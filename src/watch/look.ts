// One look: compares the findings with the last look, and delivers what changed.

import type { Finding } from "../engine/finding.ts";
import type { Host, HostReader } from "../host/host.ts";
import { hostName } from "../host/host-name.ts";
import { Problem } from "../problem/problem.ts";
import { recordSample } from "./history.ts";
import { type Message, messageOf } from "./message.ts";
import { observe } from "./observe.ts";
import { watchHistoryPath } from "./paths.ts";
import { attempted, emptyQueue, isDue, waited, withEvents } from "./queue.ts";
import { ping } from "./receivers/http.ts";
import { type Receiver, receiversOf } from "./receivers/receiver.ts";
import type { Settings } from "./settings.ts";
import { type AlertEvent, readState, type WatchState, writeState } from "./state.ts";

/** What one attempt came to. */
export interface Delivery {
  receiver: Receiver["name"] | "heartbeat";
  target: string;
  /** The number of events in the message. */
  events: number;
  /** Why the receiver did not accept it, or null. */
  reason: string | null;
}

export interface Look {
  state: WatchState;
  /** What this look reports. */
  events: AlertEvent[];
  /** The attempts of this look. In a plan they are those that it would make. */
  deliveries: Delivery[];
  warnings: string[];
}

/** Returns what a look with these findings would report, and to whom. Changes nothing and sends nothing. */
export function planLook(reader: HostReader, settings: Settings, findings: readonly Finding[]): Look {
  const { state: before, fault } = readState(reader);
  const now = new Date(reader.now()).toISOString();
  const { checks, changes } = observe(before.checks, findings, now);
  const events = changes.map((change, index) => ({ id: before.next_event + index, ...change }));
  const receivers = receiversOf(settings);
  const queues = receivers.map(({ name }) => [name, withEvents(before.queues[name] ?? emptyQueue, events)] as const);
  const state: WatchState = {
    ...before,
    looks: before.looks + 1,
    last_look: now,
    next_event: before.next_event + events.length,
    checks,
    queues: Object.fromEntries(queues),
  };
  const deliveries = receivers.flatMap(({ name, target }) => {
    const queue = state.queues[name] ?? emptyQueue;
    return isDue(queue) ? [{ receiver: name, target, events: queue.events.length, reason: null }] : [];
  });
  return { state, events, deliveries, warnings: fault === null ? [] : [fault] };
}

/**
 * Performs a look. The state is on the disk before the first message leaves, and after the last one: a run that is
 * killed in between sends these messages again, and loses none. Never throws because of a receiver.
 */
export async function performLook(host: Host, settings: Settings, findings: readonly Finding[]): Promise<Look> {
  const planned = planLook(host, settings, findings);
  writeState(host, planned.state);
  const now = new Date(host.now()).toISOString();
  const about = { host: hostName(host), time: now, failing: reportedIn(planned.state).length };
  const queues = { ...planned.state.queues };
  const attempts = receiversOf(settings).map(async ({ name, target, deliver }): Promise<Delivery[]> => {
    const queue = queues[name] ?? emptyQueue;
    if (!isDue(queue)) {
      queues[name] = waited(queue);
      return [];
    }
    const message: Message = messageOf(queue, about);
    const reason = await deliver(host, message);
    queues[name] = attempted(queue, reason, now, settings.everySeconds);
    return [{ receiver: name, target, events: queue.events.length, reason }];
  });
  const deliveries = (await Promise.all(attempts)).flat();
  const heartbeat = await beat(host, settings, queues, now);
  const state = { ...planned.state, queues, heartbeat };
  const fault = writeState(host, state) ?? recorded(host, state, settings);
  return { ...planned, state, deliveries, warnings: fault === null ? planned.warnings : [...planned.warnings, fault] };
}

/** Adds to the history, which no alert depends on. Returns a sentence if that fails. */
function recorded(host: Host, state: WatchState, { everySeconds }: Settings): string | null {
  try {
    recordSample(host, state, everySeconds);
    return null;
  } catch (error) {
    return `${watchHistoryPath} cannot be written: ${Problem.of(error).message}`;
  }
}

/** Returns the names of the checks that are reported as failing, sorted. */
function reportedIn({ checks }: WatchState): string[] {
  const reported = Object.entries(checks).filter(([, { reported }]) => reported !== null);
  return reported.map(([name]) => name).sort();
}

/**
 * Sends the heartbeat. Without a receiver that accepts alerts there is none, so that the service that waits for it
 * notices that too.
 */
async function beat(
  host: Host,
  { secrets }: Settings,
  queues: WatchState["queues"],
  now: string,
): Promise<WatchState["heartbeat"]> {
  const url = secrets.get("heartbeat-url");
  if (url === undefined) return null;
  const failing = Object.entries(queues).find(([, { attempts }]) => attempts > 0)?.[0];
  const reason = failing === undefined ? await ping(host, url) : `it is withheld: ${failing} does not accept alerts`;
  return { at: now, reason };
}
