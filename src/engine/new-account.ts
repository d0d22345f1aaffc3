// An account for a person that a step creates. Its rollback removes it, unless somebody has used it by then.

import { fieldsFor } from "../host/account-files.ts";
import type { HostReader } from "../host/host.ts";
import type { Change } from "./change.ts";

const skeletonDir = "/etc/skel";
const keysDir = ".ssh";

/** What undoes the creation of an account that did not exist. `keyLine`: the line of authorized_keys(5) that it gets. */
export interface NewAccount {
  kind: "account";
  name: string;
  home: string;
  keyLine: string;
}

/** Returns the command that removes the account with its home, or null if it does not exist, or was used. */
export function accountRemoval(reader: HostReader, account: NewAccount): Change | null {
  const { name, home } = account;
  // Somebody may have created another account of this name since the step was killed.
  if (fieldsFor(reader, "/etc/passwd", name)?.[5] !== home || !isUnused(reader, account)) return null;
  // A useradd that was killed may not have made the home. A login that failed may have left a process, which ends by itself.
  const flags = ["--force", ...(reader.stat(home) === null ? [] : ["--remove"])];
  return { kind: "command", argv: ["userdel", ...flags, name], reason: `the step has created the account ${name}` };
}

/** Returns whether the account has no password, and its home no other files than those of /etc/skel, and the line of the key. */
export function isUnused(reader: HostReader, { name, home, keyLine }: NewAccount): boolean {
  try {
    // A locked password begins with !, and * is no hash of any password.
    const hasPassword = /^[^!*]/.test(fieldsFor(reader, "/etc/shadow", name)?.[1] ?? "");
    return !hasPassword && hasOnly(reader, home, keyLine);
  } catch {
    // A link of the user, for example.
    return false;
  }
}

function hasOnly(reader: HostReader, home: string, keyLine: string): boolean {
  return (reader.list(home) ?? []).every((name) => {
    const path = `${home}/${name}`;
    if (name !== keysDir || reader.stat(path)?.type !== "directory") {
      return isCopy(reader, `${skeletonDir}/${name}`, path);
    }
    return (reader.list(path) ?? []).every((each) => {
      const lines = new TextDecoder().decode(reader.readOwn(`${path}/${each}`)?.bytes).split("\n");
      return each === "authorized_keys" && lines.every((line) => line === "" || line === keyLine);
    });
  });
}

/** Returns whether the path has no more than its model in /etc/skel. */
function isCopy(reader: HostReader, model: string, path: string): boolean {
  const [one, other] = [reader.stat(model), reader.stat(path)];
  if (one === null || one.type !== other?.type) return false;
  if (one.type === "link") return reader.readLink(model) === reader.readLink(path);
  if (one.type === "directory") {
    return (reader.list(path) ?? []).every((name) => isCopy(reader, `${model}/${name}`, `${path}/${name}`));
  }
  const [bytes, own] = [reader.read(model), reader.readOwn(path)?.bytes];
  return bytes !== null && own !== undefined && Buffer.from(bytes).equals(own);
}
