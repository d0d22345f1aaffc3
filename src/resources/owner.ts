// Who owns a file or a directory, and whether its path is safe from links of other users.

import { type Change, root } from "../engine/change.ts";
import { type HostReader, UnknownStateError } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import { gidOf, noGroup } from "./group.ts";
import { findAccount } from "./user.ts";

/** A user and a group, by name or number. Without a group it is the primary group of the user. */
export interface Owner {
  user: string | number;
  group?: string | number;
}

export const rootOwner: Owner = { user: 0, group: 0 };

type Ids = { uid: number; gid: number };

/**
 * Returns the numbers of an owner. Throws UnknownStateError for a user or group that an earlier change of this run may
 * create, and a Problem for one that does not exist.
 */
export async function idsOf(reader: HostReader, ahead: readonly Change[], { user, group }: Owner): Promise<Ids> {
  const account = typeof user === "number" ? null : await findAccount(reader, user);
  const uid = typeof user === "number" ? user : account?.uid;
  if (uid === undefined) {
    const message = `user ${user} does not exist`;
    throw missing(ahead, String(user), message, ["getent", "passwd", String(user)]);
  }
  const named = typeof group === "string" ? gidOf(reader, group) : (group ?? account?.gid);
  const gid = named ?? (group === undefined && uid === root.uid ? root.gid : undefined);
  if (gid !== undefined) return { uid, gid };
  if (typeof group !== "string") throw new TypeError(`user ${user} is a number, and needs a group`);
  const { reason, hint } = noGroup(group);
  throw missing(ahead, group, reason, hint);
}

function missing(ahead: readonly Change[], name: string, message: string, hint: string[]): Error {
  const comes = ahead.some(
    (change) => change.kind === "packages" || (change.kind === "command" && change.argv.includes(name)),
  );
  return comes ? new UnknownStateError(`${message} yet`) : new Problem("not-found", message, { hint });
}

/**
 * Throws a Problem for a path with a symbolic link on the way that root does not own, because its owner decides where
 * it leads. The host itself refuses such a link that is planted after this check.
 */
export function demandOwnWay(reader: HostReader, path: string): void {
  for (let slash = path.indexOf("/", 1); slash > 0; slash = path.indexOf("/", slash + 1)) {
    const part = path.slice(0, slash);
    const { type, uid } = reader.stat(part) ?? {};
    if (type !== "link" || uid === root.uid) continue;
    const message = `${part} is a link of user ${uid}, and leads to ${reader.readLink(part)}`;
    throw new Problem("conflict", message, { hint: ["ls", "-ld", part] });
  }
}
