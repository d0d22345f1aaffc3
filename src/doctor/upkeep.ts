// Checks for maintenance that every host needs from time to time.

import type { Check, CheckResult } from "../engine/finding.ts";
import type { HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { few, linesOf } from "../text/lines.ts";

/** Units that keep the clock, under every name in Debian and Ubuntu. */
const clockUnits = ["systemd-timesyncd", "chrony", "chronyd", "ntpsec", "ntp", "openntpd"];

/** The units that have a check of their own. */
const checksOfUnits: Record<string, string> = {
  "nginx.service": "nginx:active",
  "docker.service": "ci-runner:docker",
  "gitlab-runner.service": "runner:service",
};

export const upkeep: Check[] = [
  {
    name: "host:reboot",
    run(reader) {
      if (reader.stat("/run/reboot-required") === null) return { status: "ok", detail: "no package requires a reboot" };
      const names = [...new Set(linesOf(textOf(reader, "/run/reboot-required.pkgs") ?? ""))];
      const detail = `required by ${names.length === 0 ? "a package" : few(names)}`;
      const affects = "updates that take effect only after a reboot";
      return { status: "warning", detail, affects, hint: ["sudo", "systemctl", "reboot"] };
    },
  },
  { name: "host:units", runsProgram: true, run: units },
  { name: "host:time", run: time },
];

/** Checks for failed units. No file lists them. */
async function units(reader: HostReader): Promise<CheckResult> {
  const { code, stdout, stderr } = await reader.probe([
    "systemctl",
    "list-units",
    "--failed",
    "--plain",
    "--no-legend",
  ]);
  if (code !== 0) {
    const detail = `systemd does not answer: ${stderr.trim()}`;
    return { status: "unknown", detail, hint: ["systemctl", "is-system-running"] };
  }
  const names = linesOf(stdout).flatMap((line) => line.trim().split(/\s+/)[0] ?? []);
  const [first] = names;
  if (first === undefined) return { status: "ok", detail: "no unit has failed" };
  // A check of its own reports why such a unit failed.
  const causes = names.map((name) => checksOfUnits[name]);
  const follows = causes.every((cause) => cause !== undefined) && causes[0] !== undefined ? { follows: causes[0] } : {};
  return { status: "warning", detail: `failed: ${few(names)}`, hint: ["systemctl", "status", first], ...follows };
}

/** Checks that the clock is synchronized. A container has the clock of its host, which only the host can set. */
function time(reader: HostReader): CheckResult {
  if (reader.stat("/run/systemd/timesync/synchronized") !== null)
    return { status: "ok", detail: "the clock is synchronized" };
  const keeper = clockUnits.find((unit) => reader.stat(`/run/systemd/units/invocation:${unit}.service`) !== null);
  if (keeper === "systemd-timesyncd") {
    const detail = "no time server has answered systemd-timesyncd since it was started";
    return { status: "warning", detail, hint: ["timedatectl", "timesync-status"] };
  }
  // These write no file that reports whether they have reached a server.
  if (keeper !== undefined) return { status: "ok", detail: `the clock is kept by ${keeper}` };
  if (reader.stat("/run/systemd/container") !== null)
    return { status: "ok", detail: "a container has the clock of its host" };
  const there = reader.stat("/usr/lib/systemd/systemd-timesyncd") !== null;
  const hint = there ? ["timedatectl", "set-ntp", "true"] : ["apt-get", "install", "systemd-timesyncd"];
  return { status: "warning", detail: "no time service is running", hint: ["sudo", ...hint] };
}
