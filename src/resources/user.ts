// Reads accounts from the host's own files. Directory services are queried only for accounts that are missing there.

import type { Resource } from "../engine/step.ts";
import { fieldsFor, fieldsOf } from "../host/account-files.ts";
import type { HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { Problem } from "../problem/problem.ts";
import { gidOf, idIn, noGroup } from "./group.ts";

/** The names that useradd accepts, without those that would be a number, a flag or a path. */
export const userPattern = /^[a-z_][a-z0-9_.-]{0,31}$/;

interface Account {
  name: string;
  home: string;
  shell: string;
}

type KnownAccount = Account & { uid: number; gid: number };

/** Returns the account of that name, or null. */
export function accountOf(reader: HostReader, name: string): KnownAccount | null {
  return accountIn(textOf(reader, "/etc/passwd") ?? "", name);
}

/**
 * Returns whether an account of that name exists, in the host's own files or in any service of nsswitch.conf(5).
 * useradd refuses such a name.
 */
async function isAccount(reader: HostReader, name: string): Promise<boolean> {
  return (await findAccount(reader, name)) !== null;
}

/** Returns the account of that name in the host's own files or in any service of nsswitch.conf(5), or null. */
export async function findAccount(reader: HostReader, name: string): Promise<KnownAccount | null> {
  const own = accountOf(reader, name);
  if (own !== null) return own;
  const { code, stdout } = await reader.probe(["getent", "passwd", name]);
  return code === 0 ? accountIn(stdout, name) : null;
}

function accountIn(passwd: string, name: string): KnownAccount | null {
  const lines = passwd.split("\n").map((line) => line.split(":"));
  const [, , uidField, gidField, , home = "", shell = ""] = lines.find(([first]) => first === name) ?? [];
  const [uid, gid] = [idIn(uidField), idIn(gidField)];
  return uid === null || gid === null ? null : { name, home, shell, uid, gid };
}

/**
 * Returns a resource for a system account. An existing account stays unchanged. The home is created without /etc/skel,
 * because a .bash_logout that clears the screen fails every job of a shell executor.
 */
export function systemUser({ name, home, shell }: Account, label: string): Resource {
  const skeleton = ["--create-home", "--skel", "/nonexistent", "--home-dir", home];
  return {
    name: label,
    title: `user ${name} exists`,
    async check(reader) {
      if (await isAccount(reader, name)) return [];
      const identity = flagsToReuse(reader, name, home);
      const argv = ["useradd", "--system", ...identity, ...skeleton, "--shell", shell, name];
      return [{ kind: "command", argv, reason: `user ${name} does not exist` }];
    },
  };
}

/**
 * Returns the useradd flags that reuse what a deleted account, or one with a lost line, left behind. useradd refuses a
 * name whose group exists, unless the flags name that group. Files in the home belong to the old number.
 */
function flagsToReuse(reader: HostReader, name: string, home: string): string[] {
  const gid = gidOf(reader, name);
  if (gid === null) return [];
  const owner = reader.stat(home);
  const isLeft = owner !== null && owner.uid > 0 && owner.gid === gid && !uidsOf(reader).includes(owner.uid);
  return ["--gid", name, ...(isLeft ? ["--uid", String(owner.uid)] : [])];
}

function uidsOf(reader: HostReader): number[] {
  return fieldsOf(reader, "/etc/passwd").map(([, , uid]) => Number(uid ?? Number.NaN));
}

/** Returns a resource that adds the user to the group and keeps its other groups. */
export function groupMember(user: string, group: string, label: string, title: string): Resource {
  return {
    name: label,
    title,
    check(reader, ahead) {
      const brought = ahead.some(({ kind }) => kind === "packages" || kind === "command");
      if (gidOf(reader, group) === null && !brought) {
        const { code, reason, hint } = noGroup(group);
        throw new Problem(code, reason, { hint });
      }
      if (isMember(reader, user, group)) return [];
      return [
        { kind: "command", argv: ["usermod", "-a", "-G", group, user], reason: `${user} is not in the group ${group}` },
      ];
    },
  };
}

/** Returns whether the user is in the group, as its primary or as an additional one. */
function isMember(reader: HostReader, user: string, group: string): boolean {
  const [, , gid, members = ""] = fieldsFor(reader, "/etc/group", group) ?? [];
  return members.split(",").includes(user) || (gid !== undefined && accountOf(reader, user)?.gid === idIn(gid));
}
