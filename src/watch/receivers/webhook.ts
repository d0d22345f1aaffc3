// A webhook: JSON of version 1, or the text that Slack and Mattermost accept.

import type { Host } from "../../host/host.ts";
import { shellLine } from "../../text/lines.ts";
import type { Secret } from "../../text/secret.ts";
import { idOf, linesOf, type Message, titleOf } from "../message.ts";
import { post } from "./http.ts";

const json = { "Content-Type": "application/json" };

/** Posts the message as JSON, signed if there is a key. */
export function postJson(host: Host, url: Secret, key: Secret | undefined, message: Message): Promise<string | null> {
  return post(host, url, { headers: json, body: JSON.stringify(documentOf(message)), key });
}

/** Posts the message as text. */
export function postSlack(host: Host, url: Secret, message: Message): Promise<string | null> {
  const text = [`*${escaped(titleOf(message))}*`, "```", ...linesOf(message).map(escaped), "```"].join("\n");
  return post(host, url, { headers: json, body: JSON.stringify({ text }) });
}

function documentOf(message: Message) {
  const { host, time, test, events, failing, delayed, dropped } = message;
  return {
    version: 1,
    ...{ id: idOf(message), host, time, test, title: titleOf(message) },
    ...{ failing, delayed, dropped },
    events: events.map(({ hint, affects, ...event }) => ({
      ...event,
      affects: affects ?? null,
      hint: hint === undefined ? null : shellLine(hint),
    })),
  };
}

/** A check must not end the block of code, nor mention a channel. */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("`", "'");
}
