// Accounts, from the host's own files. Only one that is missing there is looked for in a directory service.

import { textOf } from "../engine/facts.ts";
import { Problem, type Resource } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { gidOf, noGroup } from "./group.ts";

export interface Account {
  name: string;
  home: string;
  shell: string;
}

/** The account of that name, or null. */
export function accountOf(see: HostReader, name: string): (Account & { uid: number; gid: number }) | null {
  return accountIn(textOf(see, "/etc/passwd") ?? "", name);
}

/**
 * Returns whether there is an account of that name, in the host's own files or in any service that nsswitch.conf(5) names:
 * useradd refuses such a name.
 */
export async function isAccount(see: HostReader, name: string): Promise<boolean> {
  if (accountOf(see, name) !== null) return true;
  const { code, stdout } = await see.probe(["getent", "passwd", name]);
  return code === 0 && accountIn(stdout, name) !== null;
}

function accountIn(passwd: string, name: string): (Account & { uid: number; gid: number }) | null {
  const lines = passwd.split("\n").map((line) => line.split(":"));
  const [, , uid, gid, , home = "", shell = ""] = lines.find(([first]) => first === name) ?? [];
  return uid === undefined ? null : { name, home, shell, uid: Number(uid), gid: Number(gid) };
}

/**
 * A system account. One that is there is left as it is. Its home has nothing of /etc/skel: a .bash_logout that clears the
 * screen fails every job of a shell.
 */
export function systemUser({ name, home, shell }: Account, label: string): Resource {
  const skeleton = ["--create-home", "--skel", "/nonexistent", "--home-dir", home];
  return {
    name: label,
    title: `the user ${name} is there`,
    async check(see) {
      if (await isAccount(see, name)) return [];
      const identity = left(see, name, home);
      const argv = ["useradd", "--system", ...identity, ...skeleton, "--shell", shell, name];
      return [{ kind: "command", argv, lack: `there is no user ${name}` }];
    },
  };
}

/**
 * Returns the flags with which an account that was deleted, or whose line was lost, gets what is left of it: useradd refuses a
 * name whose group is there, unless it is told to use the group, and files in its home belong to the number that it had.
 */
function left(see: HostReader, name: string, home: string): string[] {
  const gid = gidOf(see, name);
  if (gid === null) return [];
  const owner = see.stat(home);
  const isLeft = owner !== null && owner.uid > 0 && owner.gid === gid && !uidsOf(see).includes(owner.uid);
  return ["--gid", name, ...(isLeft ? ["--uid", String(owner.uid)] : [])];
}

function uidsOf(see: HostReader): number[] {
  return (textOf(see, "/etc/passwd") ?? "").split("\n").map((line) => Number(line.split(":")[2] ?? Number.NaN));
}

/** The user is in the group, besides those that it is in. */
export function member(user: string, group: string, label: string, title: string): Resource {
  return {
    name: label,
    title,
    check(see, ahead) {
      const brought = ahead.some(({ kind }) => kind === "packages" || kind === "command");
      if (gidOf(see, group) === null && !brought) {
        const { reason, hint } = noGroup(group);
        throw new Problem("blocked", reason, { hint });
      }
      if (isMember(see, user, group)) return [];
      return [
        { kind: "command", argv: ["usermod", "-a", "-G", group, user], lack: `${user} is not in the group ${group}` },
      ];
    },
  };
}

export function isMember(see: HostReader, user: string, group: string): boolean {
  const lines = (textOf(see, "/etc/group") ?? "").split("\n").map((line) => line.split(":"));
  const [, , gid, members = ""] = lines.find(([first]) => first === group) ?? [];
  return members.split(",").includes(user) || (gid !== undefined && accountOf(see, user)?.gid === Number(gid));
}
