// The settings of alerts from the flags. What no flag names stays as it is recorded.

import type { HostReader } from "../../host/host.ts";
import { Problem } from "../../problem/problem.ts";
import { Secret } from "../../text/secret.ts";
import {
  everyLimits,
  isMailAddress,
  readSettings,
  type SecretName,
  type Settings,
  type WebhookFormat,
  webhookFormats,
  whyNoAddress,
  whyNoToken,
} from "../../watch/settings.ts";
import { usage } from "../arguments.ts";
import type { Arguments } from "../command.ts";
import type { Context } from "../context.ts";
import { waitOf } from "../wait.ts";

export const settingsFlags = {
  webhook: {
    type: "string",
    valueHint: "url",
    description: "Post alerts to this URL; - asks for it, none removes it",
  },
  "webhook-format": {
    type: "string",
    valueHint: "format",
    options: webhookFormats,
    description: "Format of the webhook: json (default) or slack, also for Mattermost",
  },
  "webhook-secret-file": {
    type: "string",
    valueHint: "file",
    description: "Sign the JSON with the key in the first line of this file; - asks for it",
  },
  ntfy: {
    type: "string",
    valueHint: "url",
    description: "Publish alerts to this topic of ntfy; - asks for it, none removes it",
  },
  "ntfy-token-file": {
    type: "string",
    valueHint: "file",
    description: "Access token of ntfy in the first line of this file; - asks for it",
  },
  mail: {
    type: "string",
    valueHint: "address",
    description: "Mail alerts to this address with the sendmail of this host; none removes it",
  },
  gitlab: {
    type: "string",
    valueHint: "url",
    description: "Post alerts to this alert endpoint of GitLab; - asks for it, none removes it",
  },
  "gitlab-token-file": {
    type: "string",
    valueHint: "file",
    description: "Authorization key of that endpoint in the first line of this file; - asks for it",
  },
  heartbeat: {
    type: "string",
    valueHint: "url",
    description: "Request this URL after each run; - asks for it, none removes it",
  },
  every: {
    type: "string",
    valueHint: "duration",
    description: "Interval of the checks, 1m to 24h; 5m by default",
  },
} as const satisfies Arguments;

type Flag = keyof typeof settingsFlags;
type Typed = { [Name in Flag]?: string };

/** In bytes. A token is in the first line. */
const mostRead = 4096;

/** What each secret is read from, and what a terminal asks for. */
const sources: readonly { name: SecretName; flag: Flag; question: string }[] = [
  { name: "webhook-url", flag: "webhook", question: "URL of the webhook" },
  { name: "webhook-secret", flag: "webhook-secret-file", question: "Key that signs the JSON" },
  { name: "ntfy-url", flag: "ntfy", question: "URL of the topic of ntfy" },
  { name: "ntfy-token", flag: "ntfy-token-file", question: "Access token of ntfy" },
  { name: "gitlab-url", flag: "gitlab", question: "URL of the alert endpoint" },
  { name: "gitlab-token", flag: "gitlab-token-file", question: "Authorization key of the alert endpoint" },
  { name: "heartbeat-url", flag: "heartbeat", question: "URL of the heartbeat" },
];

/** What is removed with each URL. */
const belongings: Partial<Record<SecretName, SecretName>> = {
  "webhook-url": "webhook-secret",
  "ntfy-url": "ntfy-token",
  "gitlab-url": "gitlab-token",
};

/** Returns the settings. Throws a Problem for an invalid value, which it shows only if that cannot be a secret. */
export async function settingsOf(reader: HostReader, values: Typed, context: Context): Promise<Settings> {
  const before = readSettings(reader);
  const secrets = new Map(before?.secrets);
  const asked = sources.filter(({ flag }) => values[flag] === "-");
  if (asked.length > 1 && !context.console.interactive()) {
    throw usage(`--${asked[0]?.flag} and --${asked[1]?.flag} cannot both be read from stdin`);
  }
  for (const { name, flag, question } of sources) {
    const typed = values[flag];
    if (typed === undefined) continue;
    const isUrl = name.endsWith("-url");
    if (isUrl && typed === "none") {
      secrets.delete(name);
      const belonging = belongings[name];
      if (belonging !== undefined) secrets.delete(belonging);
      continue;
    }
    const secret =
      typed === "-"
        ? await context.console.secret(question)
        : isUrl
          ? new Secret(typed)
          : firstLine(reader, flag, typed);
    const why = isUrl ? whyNoAddress(secret) : whyNoToken(secret);
    if (why !== null) throw new Problem("invalid-value", `invalid value of --${flag}: ${why}`);
    secrets.set(name, secret);
  }
  const settings = {
    everySeconds: everyOf(values.every, before),
    mail: mailOf(values.mail, before),
    webhookFormat: formatOf(values["webhook-format"], before),
    secrets,
  };
  demandComplete(settings, values);
  return settings;
}

function demandComplete({ mail, webhookFormat, secrets }: Settings, values: Typed): void {
  for (const [url, belonging] of Object.entries(belongings) as [SecretName, SecretName][]) {
    if (secrets.has(url) || !secrets.has(belonging)) continue;
    throw usage(`--${belonging}-file needs --${url.replace("-url", "")}`);
  }
  if (values["webhook-format"] !== undefined && !secrets.has("webhook-url"))
    throw usage("--webhook-format needs --webhook");
  if (webhookFormat === "slack" && secrets.has("webhook-secret")) {
    throw usage("a webhook of the format slack is not signed: use --webhook-format json, or --webhook without a key");
  }
  if (mail !== null || [...secrets.keys()].some((name) => name.endsWith("-url"))) return;
  throw usage("alerts have no receiver: add --webhook, --ntfy, --mail, --gitlab or --heartbeat");
}

function everyOf(typed: string | undefined, before: Settings | null): number {
  if (typed === undefined) return before?.everySeconds ?? everyLimits.usual;
  const seconds = waitOf("--every", typed) / 1000;
  if (seconds >= everyLimits.least && seconds <= everyLimits.most) return seconds;
  throw usage(`invalid duration '${typed}' for --every (1m to 24h)`);
}

function formatOf(typed: string | undefined, before: Settings | null): WebhookFormat {
  if (typed === undefined) return before?.webhookFormat ?? "json";
  const format = webhookFormats.find((each) => each === typed);
  if (format !== undefined) return format;
  throw usage(`unknown format '${typed}' for --webhook-format: use ${webhookFormats.join(" or ")}`);
}

function mailOf(typed: string | undefined, before: Settings | null): string | null {
  if (typed === undefined) return before?.mail ?? null;
  if (typed === "none") return null;
  if (isMailAddress(typed)) return typed;
  throw new Problem("invalid-value", `invalid mail address '${typed}' for --mail (for example ops@example.org)`);
}

function firstLine(reader: HostReader, flag: string, path: string): Secret {
  const bytes = reader.head(path, mostRead);
  if (bytes === null) throw usage(`--${flag} ${path} does not exist`);
  return new Secret(new TextDecoder().decode(bytes).split("\n")[0]?.trim() ?? "");
}

/** Returns the recorded settings. Throws a Problem if alerts are not enabled. */
export function demandSettings(reader: HostReader): Settings {
  const settings = readSettings(reader);
  if (settings !== null) return settings;
  throw new Problem("not-found", "alerts are not enabled on this host", {
    hint: ["edox-ops", "watch", "enable", "--help"],
  });
}
