// Has fail2ban ban addresses after failed logins over SSH.

import { type Change, Text } from "../../engine/change.ts";
import { firstOutput } from "../../engine/first-output.ts";
import { replacedDir } from "../../engine/paths.ts";
import type { Recipe, Resource, Step } from "../../engine/step.ts";
import type { HostReader } from "../../host/host.ts";
import { file } from "../../resources/file.ts";
import { packagesStep } from "../../resources/packages-step.ts";
import { isActive, logsOf } from "../../resources/service.ts";
import { unit } from "../../resources/unit.ts";
import { hasSshd, sshPorts } from "../../ssh/server.ts";
import { linesOf } from "../../text/lines.ts";
import { disabledAgain, enabledRecorded } from "../enabled.ts";
import { jailPath } from "../paths.ts";
import { hostRecipe } from "../recipe.ts";
import { jailFault, jailText, readJail } from "./jail.ts";

/** Without recommendations, fail2ban has neither the journal to read nor a program to ban with. */
export const fail2banPackages = ["fail2ban", "python3-systemd", "nftables"];

const service = "fail2ban.service";
/** fail2ban reads the journal and loads its bans before it answers. */
const startMs = 15_000;

export interface Fail2ban {
  /** A port of SSH in addition to those that the server listens on. */
  sshPort?: number | undefined;
  /** The address of the admin's session. */
  address?: string | null;
}

function jail({ sshPort, address }: Fail2ban): Resource {
  return file({
    name: "fail2ban:jail",
    title: "fail2ban has a jail for SSH",
    path: jailPath,
    mode: 0o644,
    keepDir: replacedDir,
    async text(reader) {
      const before = readJail(reader);
      const listening = hasSshd(reader) ? await sshPorts(reader) : [];
      const others = sshPort === undefined ? before.ports : [sshPort];
      const ports = [...new Set([...listening, ...others])].sort((one, other) => one - other);
      const ignored = address ? [address] : before.ignored;
      return Text.of(jailText(reader, { ports: ports.length > 0 ? ports : [22], ignored }));
    },
  });
}

/**
 * A restart in place of a reload: a reload fails until the socket of a fail2ban that was just started exists. Bans stay
 * in its database.
 */
const loaded: Resource = {
  name: "host:fail2ban",
  title: "fail2ban bans addresses after failed SSH logins",
  affects: "protection of SSH against password guessing",
  settleMs: startMs,
  hasFailed: async (reader) => {
    const { stdout } = await reader.probe(["systemctl", "show", "--property=ActiveState", service]);
    return /^ActiveState=failed$/m.test(stdout);
  },
  explain: async (reader) => linesOf(await firstOutput(reader, logsOf(service))).join("; ") || null,
  async check(reader, ahead): Promise<Change[]> {
    const isTouched = ahead.some((change) => "path" in change && change.path === jailPath);
    const reason = isTouched ? "fail2ban has not loaded its jail" : await jailFault(reader);
    if (reason === null) return [];
    const again = isActive(reader, service) ? { again: true as const } : {};
    return [
      { kind: "command", argv: ["fail2ban-client", "--test"], reason, code: "invalid-config" },
      { kind: "command", argv: ["systemctl", "restart", service], reason, logs: logsOf(service), ...again },
    ];
  },
};

/** Returns the recipe. Without an address, the one in the present jail stays. */
export function fail2ban(wanted: Fail2ban = {}): Recipe {
  const steps: Step[] = [
    packagesStep("host.fail2ban.install", fail2banPackages, enabledRecorded([service], "fail2ban")),
    {
      id: "host.fail2ban.configure",
      title: "fail2ban watches SSH",
      action: "Configuring fail2ban",
      resources: [jail(wanted), loaded, unit({ unit: service, state: "enabled", brought: "fail2ban" })],
    },
  ];
  return {
    ...hostRecipe("host fail2ban", "fail2ban bans addresses after failed SSH logins.", steps),
    closing: { ready: "fail2ban active" },
    // The Python version prints this line, with one port.
    doneOn: (reader) => `fail2ban enabled (sshd jail on port ${readJail(reader).ports.join(", ")}).`,
  };
}

/** Returns the step that removes the jail. fail2ban itself stops if edox-ops had started it. */
export function fail2banRemoval(reader: HostReader): Step {
  const stopped = disabledAgain(reader, [service]);
  return {
    id: "host.fail2ban.remove",
    title: "fail2ban has no jail of edox-ops",
    resources: [
      file({ name: jailPath, title: `${jailPath} is removed`, path: jailPath, mode: 0o644, text: () => null }),
      ...(stopped.length > 0 ? stopped : [unloaded]),
    ],
  };
}

const unloaded: Resource = {
  name: service,
  title: "fail2ban has loaded its other files",
  check(reader, ahead) {
    const isRemoved = ahead.some((change) => "path" in change && change.path === jailPath);
    if (!isRemoved || !isActive(reader, service)) return [];
    const reason = "fail2ban still has the jail of edox-ops";
    return [{ kind: "command", argv: ["systemctl", "restart", service], reason, logs: logsOf(service), again: true }];
  },
};
