// Checks SSH from what sshd applies, not from the text of one file.

import { askRoot, type Check, type CheckResult } from "../../engine/finding.ts";
import type { HostReader } from "../../host/host.ts";
import { Problem } from "../../problem/problem.ts";
import { hintToShow } from "../../problem/show-file.ts";
import { hasSshd } from "../../ssh/server.ts";
import { settingsCommand } from "../../ssh/settings.ts";
import { countOf, few } from "../../text/lines.ts";
import { readHostRecord } from "../record.ts";
import { loginAccounts } from "./accounts.ts";
import {
  demandEffective,
  describeIneffective,
  describeWeakness,
  hardeningOf,
  ineffectiveSettings,
  type Weakness,
} from "./effective.ts";
import { passwordLogins } from "./passwords.ts";
import { dropInPath, hasSshHardening, pythonPath } from "./paths.ts";
import { privilegeDir } from "./server.ts";
import { choicesOf, exceptText, settingsFor } from "./settings.ts";

export const sshChecks: readonly Check[] = [
  { name: "host:ssh-harden", run: hardened, runsProgram: true, appliesTo: hasSshHardening },
  { name: "host:ssh-passwords", run: passwords, runsProgram: true, appliesTo: hasSshd },
];

/** Of the 15 s that a check of doctor has, this leaves some for the last answers. */
const askLimitMs = 10_000;
const harden = ["sudo", "edox-ops", "host", "ssh-harden", "--yes"];

async function hardened(reader: HostReader): Promise<CheckResult> {
  if (reader.uid !== 0) return { status: "unknown", detail: "only root may read sshd's settings", hint: askRoot };
  const choices = choicesOf(readHostRecord(reader), {});
  const all = await settingsFor(reader, choices);
  const isOurs = reader.stat(dropInPath) !== null;
  const hardening = hardeningOf(reader, isOurs ? all : all.filter(({ isEssential }) => isEssential), choices);
  const weak: Weakness[] = [];
  if (isOurs) {
    try {
      weak.push(...demandEffective(reader, hardening));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      return { status: "error", detail: error.message, ...(error.hint && { hint: error.hint }) };
    }
  }
  const found = await ineffectiveSettings(reader, hardening, askLimitMs);
  if ("failure" in found) return unreadable(found.failure);
  const [first] = found.sort((one, other) => Number(other.setting.isEssential) - Number(one.setting.isEssential));
  if (first?.setting.isEssential) {
    return { status: "error", detail: `sshd does not harden: ${describeIneffective(first)}`, hint: harden };
  }
  if (!isOurs) {
    const detail = `${pythonPath} of the Python version applies, but any file before it may override it`;
    return { status: "warning", detail, hint: harden };
  }
  const accounts = loginAccounts(reader).length;
  if (weak[0] !== undefined) {
    const { path, line } = weak[0].line;
    return { status: "warning", detail: describeWeakness(weak[0], accounts), hint: hintToShow(path, line) };
  }
  if (first !== undefined) return { status: "warning", detail: describeIneffective(first), hint: harden };
  return { status: "ok", detail: `no password${exceptText(choices)}, no root (${countOf(accounts, "account")})` };
}

async function passwords(reader: HostReader): Promise<CheckResult> {
  if (reader.uid !== 0) return { status: "unknown", detail: "only root may read the passwords", hint: askRoot };
  const { passwordUsers } = choicesOf(readHostRecord(reader), {});
  const found = await passwordLogins(reader, { limitMs: askLimitMs, allowed: passwordUsers });
  if ("failure" in found) return unreadable(found.failure);
  const others = found.filter((name) => !passwordUsers.includes(name));
  if (others.length > 0) {
    return { status: "warning", detail: `a password is enough to log in as ${few(others)}`, hint: harden };
  }
  const detail = found.length > 0 ? `only ${few(found)} may log in with a password` : "no account accepts a password";
  return { status: "ok", detail };
}

function unreadable(failure: string): CheckResult {
  const isMissing = failure.includes("privilege separation directory");
  const hint = isMissing ? ["sudo", "mkdir", "-m", "0755", privilegeDir] : ["sudo", ...settingsCommand("root")];
  return { status: "unknown", detail: failure, hint };
}
