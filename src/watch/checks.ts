// Doctor's checks of alerts: that they run, and that they arrive.

import type { Check, CheckResult } from "../engine/finding.ts";
import type { HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { utcText } from "../text/time.ts";
import { hasSendmail, installMail } from "./receivers/mail.ts";
import { receiversOf } from "./receivers/receiver.ts";
import { readSettings } from "./settings.ts";
import { readState } from "./state.ts";
import { timerFault, timerUnit } from "./timer.ts";

const enableAgain = ["sudo", "edox-ops", "watch", "enable", "--yes"];
export const testAlerts = ["sudo", "edox-ops", "watch", "test"];
const disabled: CheckResult = { status: "not-set-up", detail: "not configured (optional; edox-ops watch enable)" };
const affects = "alerts";
/** A look takes a minute at most, and its start is delayed by half a minute. */
const graceMs = 5 * 60_000;

export const watchChecks: Check[] = [
  { name: "watch:timer", runsProgram: true, affects, run: timer },
  { name: "watch:looks", affects, follows: ["watch:timer"], run: looks },
  { name: "watch:delivery", affects, run: delivery },
];

/** Checks that the timer is installed and active. */
async function timer(reader: HostReader): Promise<CheckResult> {
  const settings = readSettings(reader);
  if (settings === null) return disabled;
  const fault = await timerFault(reader, settings);
  if (fault !== null) return { status: "error", detail: fault, hint: enableAgain };
  return { status: "ok", detail: `${timerUnit} is enabled and active` };
}

/** Checks that the last look is not too old. A host that was off has had no time for one yet. */
function looks(reader: HostReader): CheckResult {
  const settings = readSettings(reader);
  if (settings === null) return disabled;
  const { state, fault } = readState(reader);
  const show = ["systemctl", "status", "edox-ops-watch.service"];
  if (fault !== null) return { status: "warning", detail: fault, hint: show };
  const limitMs = 2 * settings.everySeconds * 1000 + graceMs;
  if (state.last_look === null) return { status: "ok", detail: "no run yet" };
  const lastMs = Date.parse(state.last_look);
  // A clock that was ahead at the last look says nothing about the looks since.
  const ageMs = Math.min(Math.abs(reader.now() - lastMs), uptimeMs(reader));
  const detail = `the last run was at ${utcText(lastMs)}`;
  return ageMs > limitMs ? { status: "error", detail, hint: show } : { status: "ok", detail };
}

/** Checks that every receiver accepted the last message. */
function delivery(reader: HostReader): CheckResult {
  const settings = readSettings(reader);
  if (settings === null) return disabled;
  const { queues, heartbeat } = readState(reader).state;
  // The state still has a receiver that was removed since the last run.
  for (const { name } of receiversOf(settings)) {
    const { reason = null, failing_since = null } = queues[name] ?? {};
    if (reason === null || failing_since === null) continue;
    const detail = `${name} has accepted no alert since ${utcText(Date.parse(failing_since))}: ${reason}`;
    const isWithoutMail = name === "mail" && !hasSendmail(reader);
    return { status: "warning", detail, hint: isWithoutMail ? installMail : testAlerts };
  }
  if (heartbeat?.reason && settings.secrets.has("heartbeat-url"))
    return { status: "warning", detail: `the heartbeat failed: ${heartbeat.reason}`, hint: testAlerts };
  return { status: "ok", detail: "every receiver accepted the last message" };
}

/** Returns the milliseconds since the boot, or infinity where they are unknown. */
function uptimeMs(reader: HostReader): number {
  const seconds = Number.parseFloat(textOf(reader, "/proc/uptime") ?? "");
  return Number.isNaN(seconds) ? Number.POSITIVE_INFINITY : seconds * 1000;
}
