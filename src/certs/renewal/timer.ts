// The timer and the service of certbot's package.

import { type HostReader, UnknownStateError } from "../../host/host.ts";

export interface Timer {
  active: boolean;
  /** When it renews next, in Unix milliseconds; null if it is not active. */
  next: number | null;
  /** The result of certbot.service's last run since the boot: "success", "exit-code", …; null if it has not run. */
  lastResult: string | null;
  /** When that run ended, in Unix milliseconds. */
  lastRun: number | null;
}

const properties = ["Id", "ActiveState", "NextElapseUSecRealtime", "Result", "ExecMainExitTimestamp"];
const units = ["certbot.timer", "certbot.service"];

/** Returns the state of the timer. Throws UnknownStateError if systemd does not answer. */
export async function timerState(reader: HostReader): Promise<Timer> {
  const flags = properties.map((name) => `--property=${name}`);
  // Without it, systemctl prints the times of this host's zone.
  const env = { TZ: "UTC" };
  const { code, stdout, stderr } = await reader.probe(["systemctl", "show", ...flags, "--", ...units], { env });
  if (code !== 0) throw new UnknownStateError(`systemctl show failed: ${stderr.trim()}`);
  const of = (unit: string): Map<string, string> => {
    const block = stdout.split("\n\n").find((each) => each.split("\n").includes(`Id=${unit}`)) ?? "";
    return new Map([...block.matchAll(/^(\w+)=(.+)$/gm)].map(([, key = "", value = ""]) => [key, value]));
  };
  const [timer, service] = [of("certbot.timer"), of("certbot.service")];
  const lastRun = timeOf(service.get("ExecMainExitTimestamp"));
  return {
    active: timer.get("ActiveState") === "active",
    next: timeOf(timer.get("NextElapseUSecRealtime")),
    lastResult: lastRun === null ? null : (service.get("Result") ?? null),
    lastRun,
  };
}

/** Parses "Mon 2026-11-30 03:12:11 UTC". */
function timeOf(text: string | undefined): number | null {
  const [, day, time] = /^\w+ (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) UTC$/.exec(text ?? "") ?? [];
  return day === undefined ? null : Date.parse(`${day}T${time}Z`);
}
