// The settings of alerts: a file without secrets, and a file for each URL and token.

import * as v from "valibot";
import type { HostReader } from "../host/host.ts";
import { jsonRecord } from "../problem/json-record.ts";
import { Problem } from "../problem/problem.ts";
import { regularFile } from "../problem/regular-file.ts";
import { Secret } from "../text/secret.ts";
import { watchSecretsDir, watchSettingsPath } from "./paths.ts";

/** Seconds between two looks. */
export const everyLimits = { least: 60, most: 86_400, usual: 300 } as const;
export const webhookFormats = ["json", "slack"] as const;
export type WebhookFormat = (typeof webhookFormats)[number];

/** The file of each is named as it is. A receiver is set up if the file of its URL exists. */
export const secretNames = [
  "webhook-url",
  "webhook-secret",
  "ntfy-url",
  "ntfy-token",
  "gitlab-url",
  "gitlab-token",
  "heartbeat-url",
] as const;
export type SecretName = (typeof secretNames)[number];

const everySchema = v.pipe(
  v.number("it is not a number"),
  v.integer("it is not an integer"),
  v.minValue(everyLimits.least, `it is less than ${everyLimits.least}`),
  v.maxValue(everyLimits.most, `it is more than ${everyLimits.most}`),
);

const settingsSchema = v.object(
  {
    every_seconds: everySchema,
    mail: v.optional(v.pipe(v.string("it is not a text"), v.check(isMailAddress, "it is not a mail address"))),
    webhook_format: v.optional(v.picklist(webhookFormats, "it is neither json nor slack")),
  },
  "it is not an object",
);

export interface Settings {
  everySeconds: number;
  /** The address of --mail, or null. */
  mail: string | null;
  webhookFormat: WebhookFormat;
  secrets: ReadonlyMap<SecretName, Secret>;
}

/** An address that sendmail takes for neither an option nor a list. */
export function isMailAddress(text: string): boolean {
  return text.length <= 254 && /^[A-Za-z0-9_][\w.+=-]*@[A-Za-z0-9][A-Za-z0-9.-]*$/.test(text);
}

/** Returns why a value cannot be the URL of a receiver, or null. */
export function whyNoAddress(url: Secret): string | null {
  if (url.isEmpty) return "it is empty";
  if (!url.matches(/^https?:\/\/[^\s\p{C}]{1,2000}$/u)) return "it is not an http or https URL";
  if (url.matches(/^https?:\/\/[^/?#]*@/)) return "it contains a user name or a password";
  return url.matches(/^https?:\/\/(?:[\w.-]+|\[[\da-f:]+\])(?::\d{1,5})?(?:[/?#]|$)/i)
    ? null
    : "its host name is invalid";
}

/** Returns why a value cannot be a token or a signing key, or null. */
export function whyNoToken(token: Secret): string | null {
  return token.matches(/^[\x21-\x7e]{8,500}$/) ? null : "it has fewer than 8 or more than 500 characters, or a blank";
}

/**
 * Returns the settings, or null if alerts were never enabled. Throws a Problem that names an invalid file, and
 * UnknownStateError for a user who may not read them.
 */
export function readSettings(reader: HostReader): Settings | null {
  const found = jsonRecord(reader, watchSettingsPath, settingsSchema);
  if (found === null) return null;
  const secrets = new Map<SecretName, Secret>();
  for (const name of secretNames) {
    const secret = readSecret(reader, name);
    if (secret !== null) secrets.set(name, secret);
  }
  return {
    everySeconds: found.every_seconds,
    mail: found.mail ?? null,
    webhookFormat: found.webhook_format ?? "json",
    secrets,
  };
}

/** Returns the text of the settings file. It has no secret. */
export function settingsText({ everySeconds, mail, webhookFormat, secrets }: Settings): string {
  const record = {
    every_seconds: everySeconds,
    ...(mail !== null && { mail }),
    ...(secrets.has("webhook-url") && { webhook_format: webhookFormat }),
  };
  return `${JSON.stringify(record, null, 2)}\n`;
}

export function secretPath(name: SecretName): string {
  return `${watchSecretsDir}/${name}`;
}

function readSecret(reader: HostReader, name: SecretName): Secret | null {
  const path = secretPath(name);
  const bytes = regularFile(reader, path);
  if (bytes === null) return null;
  const secret = new Secret(new TextDecoder().decode(bytes).split("\n")[0]?.trim() ?? "");
  const why = name.endsWith("-url") ? whyNoAddress(secret) : whyNoToken(secret);
  if (why === null) return secret;
  const hint = ["edox-ops", "watch", "enable", "--help"];
  throw new Problem("invalid-config", `${path} is invalid: ${why}`, { hint });
}
