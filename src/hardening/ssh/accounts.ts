// The accounts of the host's own files that a person can log in to.

import { fieldsFor, fieldsOf } from "../../host/account-files.ts";
import type { HostReader } from "../../host/host.ts";
import type { Client } from "../../ssh/config.ts";

export interface LoginAccount extends Client {
  uid: number;
}

const dayMs = 86_400_000;

/** Returns the accounts whose shell starts a session. */
export function loginAccounts(reader: HostReader): LoginAccount[] {
  const groups = fieldsOf(reader, "/etc/group");
  return fieldsOf(reader, "/etc/passwd")
    .filter(([name = "", , uid = "", , , , shell = ""]) => name !== "" && /^\d+$/.test(uid) && isShell(shell))
    .map(([user = "", , uid, gid]) => ({
      user,
      uid: Number(uid),
      groups: groups
        .filter(([, , id, members = ""]) => id === gid || members.split(",").includes(user))
        .map(([group = ""]) => group),
    }));
}

/** An empty field of passwd(5) stands for /bin/sh. */
function isShell(shell: string): boolean {
  return !/\/(?:nologin|false|sync|shutdown|halt)$/.test(shell);
}

/**
 * Returns the names of the accounts that have a password and are not expired. Throws UnknownStateError for a user who
 * may not read it.
 */
export function namesWithPassword(reader: HostReader): Set<string> {
  const fields = fieldsOf(reader, "/etc/shadow").filter(([, hash = "", ...others]) => {
    // A locked password begins with !, and * is no hash of any password.
    return hash !== "" && !/^[!*]/.test(hash) && !isPast(others[5], reader.now());
  });
  return new Set(fields.map(([name = ""]) => name));
}

/** Returns whether the account has expired, so that nobody can log in to it. */
export function isExpired(reader: HostReader, name: string): boolean {
  return isPast(shadowOf(reader, name)[7], reader.now());
}

/** `day`: a number of days since 1970; "" or undefined for none. */
function isPast(day: string | undefined, nowMs: number): boolean {
  return Boolean(day) && Number(day) * dayMs <= nowMs;
}

/** Returns the fields of the user's line in shadow(5), or none. */
export function shadowOf(reader: HostReader, name: string): string[] {
  return fieldsFor(reader, "/etc/shadow", name) ?? [];
}
