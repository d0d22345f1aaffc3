// A message to the receivers, and its text for people.

import { countOf, oneLine, shellLine } from "../text/lines.ts";
import { utcText } from "../text/time.ts";
import type { AlertEvent, Queue } from "./state.ts";

/** Events that a text lists. JSON has all of them. */
const mostListed = 20;
const mostConsequences = 5;
/** In characters. */
const longestDetail = 300;

export interface Message {
  /** The name of this host. */
  host: string;
  /** When it was sent, in ISO 8601. */
  time: string;
  /** Whether it is the message of `watch test`. */
  test: boolean;
  events: readonly AlertEvent[];
  /** The checks that are reported as failing at present. */
  failing: number;
  /** Since when the receiver did not accept messages, in ISO 8601, and how many attempts failed; or null. */
  delayed: { since: string; attempts: number } | null;
  /** The oldest events that were dropped meanwhile. */
  dropped: number;
}

/** Returns the message with everything that is in the queue. */
export function messageOf(queue: Queue, about: Pick<Message, "host" | "time" | "failing">): Message {
  const { events, attempts, failing_since, dropped } = queue;
  const delayed = failing_since === null ? null : { since: failing_since, attempts };
  return { ...about, test: false, events, delayed, dropped };
}

/** Returns the message of `watch test`. */
export function testMessage(about: Pick<Message, "host" | "time" | "failing">): Message {
  return { ...about, test: true, events: [], delayed: null, dropped: 0 };
}

/** Returns an identifier that the message has again if it is sent again. */
export function idOf({ host, time, events }: Message): string {
  const [first, last] = [events[0], events.at(-1)];
  return first === undefined || last === undefined ? `${host}/test/${time}` : `${host}/${first.id}-${last.id}`;
}

/** Returns the highest level of the failures in the message, or null if it reports none. */
export function levelOf({ events }: Message): "error" | "warning" | null {
  const failing = events.filter(({ kind }) => kind !== "recovered");
  if (failing.length === 0) return null;
  return failing.some(({ status }) => status === "error") ? "error" : "warning";
}

/** Returns the first line: "docs-1: 2 checks fail, 1 recovered". */
export function titleOf({ host, test, events }: Message): string {
  if (test) return `${host}: test message`;
  const recovered = events.filter(({ kind }) => kind === "recovered").length;
  const failing = events.length - recovered;
  const parts = [
    ...(failing === 0 ? [] : [`${countOf(failing, "check")} ${failing === 1 ? "fails" : "fail"}`]),
    ...(recovered === 0 ? [] : [failing === 0 ? `${countOf(recovered, "check")} recovered` : `${recovered} recovered`]),
  ];
  return `${host}: ${parts.join(", ")}`;
}

/** Returns the lines below the title. */
export function linesOf({ host, test, events, failing, delayed, dropped }: Message): string[] {
  if (test) return [`edox-ops on ${host} can send alerts here.`];
  const more = events.length - mostListed;
  return [
    ...events.slice(0, mostListed).flatMap(linesOfEvent),
    ...(more > 0 ? [`and ${more} more (see: edox-ops doctor)`] : []),
    ...(failing > 0 ? [`Failing now: ${countOf(failing, "check")}`] : ["No reported check fails now."]),
    ...(delayed === null
      ? []
      : [`Delayed: ${countOf(delayed.attempts, "attempt")} failed since ${shownTime(delayed.since)}`]),
    ...(dropped > 0 ? [`${countOf(dropped, "older event")} dropped meanwhile`] : []),
  ];
}

const labels = { failing: "", worse: "worse, ", recovered: "" } as const;

function linesOfEvent({ kind, check, status, detail, affects, hint, also, since }: AlertEvent): string[] {
  if (kind === "recovered") return [`[OK] ${oneLine(check)} (failed since ${shownTime(since)}): ${short(detail)}`];
  const more = also.length - mostConsequences;
  const consequences = also.slice(0, mostConsequences).join(", ") + (more > 0 ? ` and ${more} more` : "");
  return [
    `[${labels[kind]}${status}] ${oneLine(check)}: ${short(detail)}`,
    ...(affects === undefined ? [] : [`  affects: ${short(affects)}`]),
    ...(also.length === 0 ? [] : [`  also failing: ${oneLine(consequences)}`]),
    ...(hint === undefined ? [] : [`  run: ${shellLine(hint)}`]),
  ];
}

function short(text: string): string {
  const line = oneLine(text);
  return line.length > longestDetail ? `${line.slice(0, longestDetail)}…` : line;
}

function shownTime(iso: string): string {
  const ms = Date.parse(iso);
  return Number.isNaN(ms) ? oneLine(iso) : utcText(ms);
}
