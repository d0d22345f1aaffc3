// The commands that set up what a host has beyond its sites, certificates and runners. A snapshot lists them: a restore
// does not run them, because they decide who can log in, or act while the old host may still do so.

import { flagsOf, recordedOptions } from "../hardening/firewall/wanted.ts";
import { parts } from "../hardening/parts/parts.ts";
import { readHostRecord } from "../hardening/record.ts";
import type { HostReader } from "../host/host.ts";
import * as timers from "../resources/timer.ts";
import { hasUnits } from "../runner/cleanup/units.ts";
import { dailyTime } from "./recipe.ts";
import { keepText, readSettings } from "./settings.ts";

/** Alerts are of the same layer, so that their folder is not imported. */
const alertsTimer = "edox-ops-watch";

/** Returns the commands without `edox-ops`, with the flags that have the effect of the recorded choices. */
export function setUpCommands(reader: HostReader): string[] {
  const hardening = parts.flatMap(({ name, command, isSetUp }) => {
    if (!isSetUp(reader)) return [];
    return [
      [name === "nginx" ? `${command} --only host.nginx.restrict` : command, ...choicesOf(reader, name)].join(" "),
    ];
  });
  const time = dailyTime(reader);
  return [
    ...hardening,
    ...(time === null ? [] : [["backup enable --daily", time, ...keepFlags(reader)].join(" ")]),
    ...(timers.hasTimer(reader, alertsTimer) ? ["watch enable"] : []),
    ...(hasUnits(reader) ? ["gitlab-runner cleanup enable"] : []),
  ];
}

/** An invalid record has no choices, and is reported by doctor. */
function choicesOf(reader: HostReader, part: string): string[] {
  try {
    const { ssh, ssh_port: port } = readHostRecord(reader);
    if (part === "firewall") return flagsOf(recordedOptions(reader));
    if (part === "fail2ban" && port !== undefined && port !== 22) return ["--ssh-port", String(port)];
    if (part !== "ssh") return [];
    const users = ssh?.password_users ?? [];
    return [...(users.length > 0 ? ["--allow-password", users.join(",")] : []), ...(ssh?.modern ? ["--modern"] : [])];
  } catch {
    return [];
  }
}

function keepFlags(reader: HostReader): string[] {
  const keep = readSettings(reader)?.keep ?? null;
  return keep === null ? [] : ["--keep", keepText(keep)];
}
