// The receivers that the settings name.

import type { Host } from "../../host/host.ts";
import type { Message } from "../message.ts";
import type { Settings } from "../settings.ts";
import { postGitlab } from "./gitlab.ts";
import { originOf } from "./http.ts";
import { sendMail } from "./mail.ts";
import { postNtfy } from "./ntfy.ts";
import { postJson, postSlack } from "./webhook.ts";

export interface Receiver {
  name: "webhook" | "ntfy" | "mail" | "gitlab";
  /** Where messages go, without the parts of a URL that may be secret. */
  target: string;
  /** Sends a message. Returns why it was not accepted, in a text without secrets, or null. Never throws. */
  deliver(host: Host, message: Message): Promise<string | null>;
}

/** Returns the receivers in a fixed order. */
export function receiversOf({ secrets, mail, webhookFormat }: Settings): Receiver[] {
  const [webhook, ntfy, gitlab] = [secrets.get("webhook-url"), secrets.get("ntfy-url"), secrets.get("gitlab-url")];
  const receivers: Receiver[] = [];
  if (webhook !== undefined) {
    const deliver: Receiver["deliver"] =
      webhookFormat === "slack"
        ? (host, message) => postSlack(host, webhook, message)
        : (host, message) => postJson(host, webhook, secrets.get("webhook-secret"), message);
    receivers.push({ name: "webhook", target: originOf(webhook), deliver });
  }
  if (ntfy !== undefined) {
    const token = secrets.get("ntfy-token");
    receivers.push({
      name: "ntfy",
      target: originOf(ntfy),
      deliver: (host, message) => postNtfy(host, ntfy, token, message),
    });
  }
  if (mail !== null) {
    receivers.push({ name: "mail", target: mail, deliver: (host, message) => sendMail(host, mail, message) });
  }
  if (gitlab !== undefined) {
    const token = secrets.get("gitlab-token");
    const deliver: Receiver["deliver"] = (host, message) => postGitlab(host, gitlab, token, message);
    receivers.push({ name: "gitlab", target: originOf(gitlab), deliver });
  }
  return receivers.map((receiver) => ({
    ...receiver,
    deliver: (host, message) => receiver.deliver(host, message).catch((error: Error) => error.message),
  }));
}
