// The unit of the SSH server: ssh on Debian and Ubuntu, sshd elsewhere, or a socket that starts it.

import type { Change } from "../../engine/change.ts";
import type { Resource } from "../../engine/step.ts";
import type { HostReader } from "../../host/host.ts";
import type { Requirement } from "../../problem/requirement.ts";
import { isActive } from "../../resources/service.ts";
import { findUnitFile } from "../../resources/unit-file.ts";
import { sshdConfigPaths } from "../../ssh/config.ts";
import { hasSshd } from "../../ssh/server.ts";

/** sshd refuses to read its configuration without this directory, which systemd creates when it starts the service. */
export const privilegeDir = "/run/sshd";

function unitOf(reader: HostReader): string {
  const isSshd = findUnitFile(reader, "ssh.service") === null && findUnitFile(reader, "sshd.service") !== null;
  return isSshd ? "sshd" : "ssh";
}

/** Returns whether systemd listens, and starts the server for a connection. */
async function hasSocket(reader: HostReader, unit: string): Promise<boolean> {
  const { stdout } = await reader.probe(["systemctl", "show", "--property=ActiveState", `${unit}.socket`]);
  return /^ActiveState=active$/m.test(stdout);
}

/** The server is stopped on a host that nobody is to reach, and no login could be proven there. */
export const sshRuns: Requirement = {
  name: "ssh:server",
  title: "the SSH server runs",
  async check(reader) {
    if (!hasSshd(reader)) {
      return { reason: "sshd is not installed", hint: ["sudo", "apt-get", "install", "openssh-server"] };
    }
    const unit = unitOf(reader);
    if (isActive(reader, unit) || (await hasSocket(reader, unit))) return null;
    return {
      reason: `${unit}.service is not active, so that no login can be proven`,
      hint: ["sudo", "systemctl", "start", unit],
    };
  },
};

/**
 * A reload would also load what others have changed since the last one. No proof before the step shows which logins that
 * allows, and its rollback could not restore what sshd uses now.
 */
export const sshIsCurrent: Requirement = {
  name: "ssh:current",
  title: "sshd has loaded its present files",
  isEarly: true,
  async check(reader) {
    const unit = unitOf(reader);
    const loaded = await loadedMs(reader, unit);
    if (loaded === null) return null;
    const path = sshdConfigPaths(reader).find((each) => {
      const changed = reader.statTarget(each)?.changedMs ?? 0;
      // No reload would be later than the time of a file from before the clock was set back.
      return changed > loaded && changed <= reader.now();
    });
    if (path === undefined) return null;
    return {
      reason: `${path} was changed after sshd was last loaded, and a rollback could not restore what sshd uses now: keep this login, reload sshd, and log in again before you continue`,
      hint: ["sudo", "systemctl", "reload", unit],
    };
  },
};

/** Returns when systemd last started or reloaded the unit, in Unix milliseconds, or null if it is not active. */
async function loadedMs(reader: HostReader, unit: string): Promise<number | null> {
  const properties = ["ActiveState", "StateChangeTimestamp"].map((name) => `--property=${name}`);
  const { stdout } = await reader.probe(["systemctl", "show", ...properties, "--timestamp=us+utc", `${unit}.service`]);
  const [, day, time] = /^StateChangeTimestamp=\w+ (\S+) (\S+) UTC$/m.exec(stdout) ?? [];
  const loaded = Date.parse(`${day}T${time}Z`);
  return /^ActiveState=active$/m.test(stdout) && !Number.isNaN(loaded) ? loaded : null;
}

/**
 * Returns a resource that lets sshd validate and load its files after one of them was changed. A server that a socket
 * is to start reads them then.
 */
export function loadedBySshd(owns: (path: string) => boolean): Resource {
  return {
    name: "ssh:loaded",
    title: "sshd has loaded its files",
    async check(reader, ahead) {
      const change = ahead.find((each) => "path" in each && owns(each.path));
      if (change === undefined) return [];
      const reason = "sshd has not loaded its configuration";
      const makeDir = ["install", "-d", "-m", "0755", privilegeDir];
      const hint = ["sudo", "sshd", "-t"];
      const unit = unitOf(reader);
      // A reload ends a server of Debian 13 that a socket started, since it cannot bind the port then. A restart keeps
      // the sessions. A unit that is not active stays so. One that is, a rollback starts again if the new files ended it.
      const always = isActive(reader, unit) ? "" : "try-";
      const verb = (await hasSocket(reader, unit)) ? "try-restart" : `${always}reload-or-restart`;
      return [
        ...(reader.stat(privilegeDir) === null ? [command(makeDir, `${privilegeDir} is missing`)] : []),
        { ...command(["sshd", "-t"], reason), code: "invalid-config", hint },
        { ...command(["systemctl", verb, `${unit}.service`], reason), again: true },
      ];
    },
  };
}

function command(argv: string[], reason: string): Extract<Change, { kind: "command" }> {
  return { kind: "command", argv, reason };
}
