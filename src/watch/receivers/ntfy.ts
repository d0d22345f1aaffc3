// A topic of ntfy.

import type { Host } from "../../host/host.ts";
import type { Secret } from "../../text/secret.ts";
import { levelOf, linesOf, type Message, titleOf } from "../message.ts";
import { post } from "./http.ts";

/** ntfy turns a message of more than 4,096 bytes into a file. */
const mostBytes = 4000;

const looks = {
  error: { Priority: "high", Tags: "rotating_light" },
  warning: { Priority: "default", Tags: "warning" },
  none: { Priority: "default", Tags: "white_check_mark" },
};

/** Publishes the message. */
export function postNtfy(host: Host, url: Secret, token: Secret | undefined, message: Message): Promise<string | null> {
  const headers = {
    "Content-Type": "text/plain; charset=utf-8",
    Title: titleOf(message).replace(/[^ -~]/g, "?"),
    ...looks[levelOf(message) ?? "none"],
  };
  return post(host, url, { headers, body: withinLimit(linesOf(message)), token });
}

/** Returns the lines that fit. */
function withinLimit(lines: readonly string[]): string {
  const kept: string[] = [];
  let bytes = 0;
  for (const line of lines) {
    bytes += Buffer.byteLength(line) + 1;
    if (bytes > mostBytes) return [...kept, "…"].join("\n");
    kept.push(line);
  }
  return kept.join("\n");
}
