// The alert endpoint of a GitLab project. Each check is an alert of its own there, which its recovery resolves.

import type { Host } from "../../host/host.ts";
import { shellLine } from "../../text/lines.ts";
import type { Secret } from "../../text/secret.ts";
import { linesOf, type Message, titleOf } from "../message.ts";
import type { AlertEvent } from "../state.ts";
import { post } from "./http.ts";

/** More failures at once are one alert. */
const mostAlerts = 10;
/** Recoveries of many checks would otherwise take longer than a look may. */
const atOnce = 10;

type Alert = Record<string, string>;

/**
 * Posts an alert for each event. GitLab recognizes an alert that is sent again by its fingerprint, so that a retry adds
 * none.
 */
export async function postGitlab(
  host: Host,
  url: Secret,
  token: Secret | undefined,
  message: Message,
): Promise<string | null> {
  const alerts = alertsOf(message);
  for (let first = 0; first < alerts.length; first += atOnce) {
    const reasons = await Promise.all(
      alerts.slice(first, first + atOnce).map((alert) => {
        const body = JSON.stringify({
          monitoring_tool: "edox-ops",
          hosts: message.host,
          service: "edox-ops",
          ...alert,
        });
        return post(host, url, { headers: { "Content-Type": "application/json" }, body, token });
      }),
    );
    const why = reasons.find((reason) => reason !== null);
    if (why !== undefined) return why;
  }
  return null;
}

function alertsOf(message: Message): Alert[] {
  const { host, time, test, events, failing } = message;
  const whole = { title: titleOf(message), fingerprint: host, description: linesOf(message).join("\n") };
  if (test) return [{ ...whole, fingerprint: `${host}/test`, severity: "info" }];
  const failures = events.filter(({ kind }) => kind !== "recovered");
  const worst = failures.some(({ status }) => status === "error") ? "critical" : "medium";
  const start = failures[0]?.since ?? time;
  return [
    ...(failures.length > mostAlerts
      ? [{ ...whole, severity: worst, start_time: start }]
      : failures.map((event) => alertOf(host, event))),
    // GitLab ignores the end of an alert that it does not have.
    ...events
      .filter(({ kind }) => kind === "recovered")
      .map((event) => ({ ...alertOf(host, event), end_time: event.at })),
    ...(failing === 0 ? [{ ...whole, severity: "info", end_time: time }] : []),
  ];
}

function alertOf(host: string, { check, status, detail, affects, hint, also, since }: AlertEvent): Alert {
  const lines = [
    detail,
    ...(affects === undefined ? [] : [`Affects: ${affects}`]),
    ...(also.length === 0 ? [] : [`Also failing: ${also.join(", ")}`]),
    ...(hint === undefined ? [] : [`Run: ${shellLine(hint)}`]),
  ];
  return {
    title: `${host}: ${check}`,
    description: lines.join("\n"),
    severity: status === "error" ? "critical" : "medium",
    fingerprint: `${host}/${check}`,
    start_time: since,
  };
}
