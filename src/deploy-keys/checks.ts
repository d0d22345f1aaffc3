// Checks what the recipe of deploy keys does not cover: whether sshd and its other files accept the recorded keys.

import { askRoot, type Check, type CheckResult } from "../engine/finding.ts";
import type { HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { readProjects } from "../sites/store.ts";
import { countOf, few } from "../text/lines.ts";
import { parentOf } from "../text/path.ts";
import { isExpired } from "./admission.ts";
import { deployUser, sessionWord } from "./names.ts";
import { authorizedKeysPath, deployHome } from "./paths.ts";
import { idOf, readKeys } from "./record.ts";
import { showSettings, whyUnfit } from "./sshd.ts";

const affects = "deploys with deploy keys";

export const deployKeyChecks: readonly Check[] = [
  { name: "deploy-keys:keys", run: keys },
  { name: "deploy-keys:sshd", run: sshd, runsProgram: true, affects },
  { name: "deploy-keys:sudo", run: sudo, runsProgram: true, affects },
  { name: "deploy-keys:groups", run: groups },
  { name: "deploy-keys:modes", run: modes, affects },
];

/** Checks that each key is of a project that exists, and has not expired. */
async function keys(reader: HostReader): Promise<CheckResult> {
  const all = readKeys(reader)?.keys ?? [];
  const projects = await readProjects(reader);
  const left = all.find(({ project }) => !projects.has(project));
  const old = all.filter((key) => isExpired(key, reader.now()));
  const useless = left ?? old[0];
  if (useless === undefined) return { status: "ok", detail: countOf(all.length, "deploy key") };
  const detail = left ? `${idOf(left)} is a key of no project` : `expired: ${few(old.map(idOf))}`;
  const hint = ["sudo", "edox-ops", "project", "key", "remove", useless.project, useless.name];
  return { status: "warning", detail, hint };
}

async function sshd(reader: HostReader): Promise<CheckResult> {
  if (reader.uid !== 0) return { status: "unknown", detail: "only root may read sshd's settings", hint: askRoot };
  const unfit = await whyUnfit(reader);
  if (unfit === null) return { status: "ok", detail: `sshd accepts a key of ${deployUser}` };
  // A stopped sshd, or one that systemd starts for each connection, has no /run/sshd yet.
  const makes = unfit.reason.includes("/run/sshd");
  const hint = makes ? ["sudo", "mkdir", "-m", "0755", "/run/sshd"] : ["sudo", ...showSettings];
  return { status: unfit.unknown ? "unknown" : "error", detail: unfit.reason, hint };
}

/** Checks that sudo reads the rule: /etc/sudoers may not include the directory, or a later rule may forbid it. */
async function sudo(reader: HostReader): Promise<CheckResult> {
  if (reader.uid !== 0) return { status: "unknown", detail: "only root may read the rules of sudo", hint: askRoot };
  const program = readKeys(reader)?.program;
  if (program === undefined) return { status: "ok", detail: "no deploy key" };
  const hint = ["sudo", "grep", "-rn", deployUser, "/etc/sudoers", "/etc/sudoers.d"];
  const { code } = await reader.probe(["sudo", "-n", "-l", "-U", deployUser, program, sessionWord], {
    limitMs: 10_000,
  });
  if (code !== 0)
    return { status: "error", detail: `sudo does not let ${deployUser} run ${program} ${sessionWord}`, hint };
  const { stdout } = await reader.probe(["sudo", "-n", "-l", "-U", deployUser], { limitMs: 10_000 });
  const rules = stdout.split("\n").filter((line) => /^\s+\(/.test(line));
  if (rules.length <= 1) return { status: "ok", detail: "sudo lets it run one command" };
  return {
    status: "error",
    detail: `sudo lets ${deployUser} run ${countOf(rules.length, "command")} instead of one`,
    hint,
  };
}

/** Checks that no group gives the user access to anything. */
function groups(reader: HostReader): CheckResult {
  const lines = (textOf(reader, "/etc/group") ?? "").split("\n").map((line) => line.split(":"));
  const found = lines
    .filter(([, , , members = ""]) => members.split(",").includes(deployUser))
    .map(([name = ""]) => name);
  if (found.length === 0) return { status: "ok", detail: `${deployUser} is in no other group` };
  const hint = ["id", deployUser];
  return { status: "error", detail: `${deployUser} is in ${few(found)}`, hint };
}

/** Checks what sshd demands with StrictModes: nobody but root can change a directory on the way to the keys. */
function modes(reader: HostReader): CheckResult {
  const parts = `${parentOf(authorizedKeysPath)}/`
    .split("/")
    .map((_, i, names) => names.slice(0, i + 1).join("/") || "/");
  const open = [...new Set(parts)].find((path) => {
    const stat = reader.statTarget(path);
    return stat !== null && (stat.uid !== 0 || (stat.mode & 0o022) !== 0);
  });
  if (open === undefined) return { status: "ok", detail: `only root can change ${deployHome}` };
  const { uid = 0 } = reader.statTarget(open) ?? {};
  const hint = uid === 0 ? ["sudo", "chmod", "go-w", open] : ["sudo", "chown", "root:root", open];
  return { status: "error", detail: `users other than root can change ${open}: sshd refuses every key`, hint };
}
