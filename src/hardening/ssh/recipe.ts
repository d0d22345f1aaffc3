// Hardens sshd: no passwords, no root, and less time and fewer tries for strangers.

import { type Change, Text } from "../../engine/change.ts";
import { overlay } from "../../engine/overlay.ts";
import { replacedDir, stateDir } from "../../engine/paths.ts";
import type { Recipe, Resource } from "../../engine/step.ts";
import type { HostReader } from "../../host/host.ts";
import { Problem } from "../../problem/problem.ts";
import type { Requirement } from "../../problem/requirement.ts";
import { directory } from "../../resources/directory.ts";
import { file } from "../../resources/file.ts";
import { packagesStep } from "../../resources/packages-step.ts";
import { few } from "../../text/lines.ts";
import { parentOf } from "../../text/path.ts";
import { guarded } from "../guarded.ts";
import { hostRecipe } from "../recipe.ts";
import { type HostRecord, readHostRecord, recordFile } from "../record.ts";
import { loginAccounts } from "./accounts.ts";
import {
  demandEffective,
  describeIneffective,
  describeWeakness,
  type Hardening,
  hardeningOf,
  ineffectiveSettings,
} from "./effective.ts";
import { passwordLogins, recentPasswordUsers } from "./passwords.ts";
import { dropInPath, pythonPath } from "./paths.ts";
import { loadedBySshd, sshIsCurrent, sshRuns } from "./server.ts";
import { type Choices, choicesOf, dropInText, settingsFor, withChoices } from "./settings.ts";

/** What the proof of a login from outside needs. */
export const sshPackages = ["openssh-client", "iproute2"];

/** Returns the recipe. A choice that is not given is that of the record. */
export function sshHarden(given: Partial<Choices>, confirmWithinMs?: number): Recipe {
  const chosen = (reader: HostReader): Choices => choicesOf(readHostRecord(reader), given);
  const configure = {
    id: "host.ssh-harden.configure",
    title: "sshd refuses passwords and root",
    action: "Configuring sshd",
    requires: [sshIsCurrent],
    resources: [
      directory(parentOf(dropInPath), 0o755),
      file({
        name: `ssh:${pythonPath}`,
        title: "the file of the Python version is replaced",
        path: pythonPath,
        mode: 0o644,
        keepDir: replacedDir,
        text: () => null,
      }),
      file({
        name: `ssh:${dropInPath}`,
        title: "sshd refuses passwords and root",
        path: dropInPath,
        mode: 0o644,
        async text(reader) {
          const choices = chosen(reader);
          return Text.of(dropInText(await settingsFor(reader, choices), choices));
        },
      }),
      recordDirectory((record) => withChoices(record, choicesOf(record, given))),
      recordFile((record) => withChoices(record, choicesOf(record, given))),
      loadedBySshd(isOurs),
      effective(chosen),
    ],
  };
  const done = `SSH hardened via ${dropInPath} (password/root login disabled).`;
  return hostRecipe(
    "host ssh-harden",
    done,
    [packagesStep("host.ssh-harden.install", sshPackages), guarded(configure, { mayLose: rootNames, confirmWithinMs })],
    [sshRuns, knownUsers(given.passwordUsers ?? [])],
  );
}

/** A host without a record is one that was never set up: see doctor/set-up.ts. */
function recordDirectory(edit: (record: HostRecord) => HostRecord): Resource {
  const dir = directory(stateDir, 0o750);
  return {
    ...dir,
    check(reader, ahead, warn) {
      return Object.keys(edit(readHostRecord(reader))).length > 0 ? dir.check(reader, ahead, warn) : [];
    },
  };
}

function isOurs(path: string): boolean {
  return path === dropInPath || path === pythonPath;
}

function rootNames(reader: HostReader): string[] {
  return loginAccounts(reader).flatMap(({ user, uid }) => (uid === 0 ? [user] : []));
}

/** sshd ignores a Match block for a user who does not exist, and root may not log in at all. */
function knownUsers(names: readonly string[]): Requirement {
  return {
    name: "ssh:password-users",
    title: "the users of --allow-password exist",
    check(reader) {
      const accounts = loginAccounts(reader);
      const uidOf = (name: string): number | undefined => accounts.find(({ user }) => user === name)?.uid;
      const unknown = names.find((name) => uidOf(name) === undefined);
      if (unknown !== undefined) {
        const reason = `--allow-password ${unknown}: this host has no such user with a shell`;
        return { reason, code: "not-found", hint: ["getent", "passwd"] };
      }
      const root = names.find((name) => uidOf(name) === 0);
      return root === undefined ? null : { reason: `--allow-password ${root}: root may not log in over SSH` };
    },
  };
}

/** Returns a resource that changes nothing: the settings apply to everyone, or nothing is changed. */
function effective(chosen: (reader: HostReader) => Choices): Resource {
  return {
    name: "ssh:effective",
    title: "the settings apply to every account",
    async check(before, ahead, warn) {
      const choices = chosen(before);
      const reader = overlay(before, ahead);
      const hardening = hardeningOf(reader, await settingsFor(before, choices), choices);
      const total = loginAccounts(reader).length;
      for (const each of demandEffective(reader, hardening)) warn(`left as it is: ${describeWeakness(each, total)}`);
      if (isPlanned(ahead)) {
        const lose = await losingPassword(before, choices);
        if (lose.length > 0) warn(describeLosing(lose));
      } else await demandApplied(reader, hardening);
      return [];
    },
  };
}

function isPlanned(ahead: readonly Change[]): boolean {
  return ahead.some((change) => "path" in change && isOurs(change.path));
}

/** Throws a Problem if sshd itself does not apply an essential setting. */
async function demandApplied(reader: HostReader, hardening: Hardening): Promise<void> {
  const found = await ineffectiveSettings(reader, hardening);
  // A stopped sshd, or one that a socket starts, has no directory until its next start.
  if ("failure" in found) {
    if (found.failure.includes("privilege separation directory")) return;
    throw new Problem("invalid-config", found.failure, { hint: ["sudo", "sshd", "-t"] });
  }
  const [first] = found.filter(({ setting }) => setting.isEssential);
  if (first === undefined) return;
  throw new Problem("verify-failed", `sshd does not apply ${dropInPath}: ${describeIneffective(first)}`);
}

/** Returns the users who logged in with a password, and no longer can. */
async function losingPassword(reader: HostReader, { passwordUsers }: Choices): Promise<string[]> {
  if (reader.uid !== 0) return [];
  const recent = (await recentPasswordUsers(reader)).filter((name) => !passwordUsers.includes(name));
  if (recent.length === 0) return [];
  const possible = await passwordLogins(reader);
  return "failure" in possible ? recent : recent.filter((name) => possible.includes(name));
}

function describeLosing(names: readonly string[]): string {
  const what = "logged in with a password in the last 90 days, and cannot any more";
  return `${few(names)} ${what}: pass --allow-password ${names[0]} to allow it`;
}
