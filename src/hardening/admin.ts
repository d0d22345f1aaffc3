// A user who logs in with a key and becomes root with sudo: the one who remains when root may not log in.

import { type Change, root } from "../engine/change.ts";
import type { Recipe, Resource } from "../engine/step.ts";
import { fieldsOf } from "../host/account-files.ts";
import type { HostReader } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import { hintToShow } from "../problem/show-file.ts";
import { missingDirectories } from "../resources/directory.ts";
import { gidOf } from "../resources/group.ts";
import { line } from "../resources/line.ts";
import { packagesStep } from "../resources/packages-step.ts";
import { sudoersFile } from "../resources/sudoers.ts";
import { findAccount } from "../resources/user.ts";
import type { PublicKey } from "../ssh/public-key.ts";
import { authorizedKeysPaths, sshdSettings } from "../ssh/settings.ts";
import { parentOf } from "../text/path.ts";
import { newHome, withNewAccount } from "./admin-account.ts";
import { provingAdmin } from "./guarded.ts";
import { adminSudoersPath } from "./paths.ts";
import { hostRecipe } from "./recipe.ts";
import { isExpired } from "./ssh/accounts.ts";

export const adminPackages = ["openssh-server", "sudo", "openssh-client", "iproute2"];

const shell = "/bin/bash";
/** No password has this hash. A leading ! would also refuse keys if sshd runs without PAM. */
const noPassword = "*";
/** The numbers of people: those below belong to services, and 65534 to nobody. */
const [firstId, endOfIds] = [1000, 60_000];
const comment = "edox-ops-admin";

/** Returns the recipe that gives this user the key and sudo. It is undone unless the user can log in after it. */
export function hostAdmin(name: string, key: Pick<PublicKey, "line">): Recipe {
  const configure = {
    id: "host.admin.configure",
    title: `${name} can log in with the key and become root`,
    action: `Adding ${name}`,
    resources: [
      account(name),
      authorizedKey(name, key),
      sudoersFile({
        path: rulePath(name),
        name: `admin:sudo:${name}`,
        title: `sudo lets ${name} become root`,
        text: () => `# Written by edox-ops host admin. ${name} has no password.\n${name} ALL=(ALL:ALL) NOPASSWD: ALL\n`,
      }),
    ],
  };
  const done = `${name} can log in over SSH and become root with sudo.`;
  return hostRecipe("host admin", done, [
    packagesStep("host.admin.install", adminPackages),
    withNewAccount(provingAdmin(configure, name), name, `${key.line} ${comment}`),
  ]);
}

/** sudo ignores names with a dot, and no name of a user has a +. */
function rulePath(name: string): string {
  return adminSudoersPath.replace("NAME", name.replaceAll(".", "+"));
}

interface Admin {
  uid: number;
  gid: number;
  home: string;
  exists: boolean;
}

/** Returns the account, or the one that will be created. Throws a Problem for an account that no person logs in to. */
async function adminOf(reader: HostReader, name: string): Promise<Admin> {
  const found = await findAccount(reader, name);
  if (found === null) {
    const home = newHome(name);
    if (gidOf(reader, name) !== null) {
      const message = `a group ${name} exists, but no user: choose another name`;
      throw new Problem("conflict", message, { hint: ["getent", "group", name] });
    }
    if (reader.stat(home) === null) return { ...freeIds(reader), home, exists: false };
    const message = `${home} exists, but no user ${name}: move it away, or choose another name`;
    throw new Problem("conflict", message, { hint: ["ls", "-ld", home] });
  }
  const { uid, gid, home } = found;
  if (uid < firstId || uid >= endOfIds) {
    const what = uid === 0 ? "may not log in on a hardened host" : "belongs to a service";
    throw new Problem("conflict", `the account ${name} ${what}: choose another name`, { hint: ["id", name] });
  }
  if (/\/(?:nologin|false)$/.test(found.shell)) {
    const hint = ["sudo", "usermod", "--shell", shell, name];
    throw new Problem("precondition-failed", `${name} cannot log in: the shell is ${found.shell}`, { hint });
  }
  if (reader.stat(home) === null) {
    const hint = ["sudo", "mkhomedir_helper", name];
    throw new Problem("precondition-failed", `${name} has no home directory for a key: ${home} is missing`, { hint });
  }
  if (isExpired(reader, name)) {
    const hint = ["sudo", "chage", "--expiredate", "-1", name];
    throw new Problem("precondition-failed", `${name} cannot log in: the account is expired`, { hint });
  }
  return { uid, gid, home, exists: true };
}

/** Returns the first number that neither a user nor a group has, so that both can have the same. */
function freeIds(reader: HostReader): { uid: number; gid: number } {
  const used = new Set(
    ["/etc/passwd", "/etc/group"].flatMap((path) => fieldsOf(reader, path).map(([, , id]) => Number(id))),
  );
  let id = firstId;
  while (used.has(id)) id += 1;
  return { uid: id, gid: id };
}

function account(name: string): Resource {
  return {
    name: `admin:user:${name}`,
    title: `user ${name} exists`,
    async check(reader) {
      const { uid, home, exists } = await adminOf(reader, name);
      if (exists) return [];
      const flags = ["--create-home", "--home-dir", home, "--shell", shell, "--password", noPassword];
      const argv = ["useradd", "--uid", String(uid), "--user-group", ...flags, name];
      return [{ kind: "command", argv, reason: `user ${name} does not exist` }];
    },
  };
}

/** Returns a resource for the key in the user's own file. Other keys stay. */
function authorizedKey(name: string, key: Pick<PublicKey, "line">): Resource {
  return {
    name: `admin:key:${name}`,
    title: `sshd accepts the key for ${name}`,
    async check(reader, ahead, warn) {
      const admin = await adminOf(reader, name);
      const path = await keysPath(reader, name, admin.home);
      const bytes = admin.exists ? reader.readOwn(path)?.bytes : undefined;
      const lines = new TextDecoder().decode(bytes).split("\n");
      const at = lines.findIndex((each) => each.includes(key.line));
      if (at >= 0) {
        if (lines[at]?.startsWith(key.line)) return [];
        const message = `${path}:${at + 1} has this key with options, which may limit it: remove that line`;
        throw new Problem("conflict", message, { hint: hintToShow(path, at + 1) });
      }
      const own = path.startsWith(`${admin.home}/`) ? admin : root;
      const owner = { user: own.uid, group: own.gid };
      const dirs = ownDirectory(reader, ahead, parentOf(path), own);
      // sshd reads the file as the user.
      const mode = own === root ? 0o644 : 0o600;
      const spec = { path, state: "present", line: `${key.line} ${comment}`, mode, owner } as const;
      const added = line({ ...spec, title: `sshd accepts the key for ${name}` });
      return [...dirs, ...(await added.check(reader, [...ahead, ...dirs], warn))];
    },
  };
}

/** Returns the file that sshd reads for this user: the first one that it names. */
async function keysPath(reader: HostReader, name: string, home: string): Promise<string> {
  const usual = `${home}/.ssh/authorized_keys`;
  const settings = await sshdSettings(reader, name);
  return "failure" in settings ? usual : (authorizedKeysPaths(settings, { name, home })[0] ?? usual);
}

/** The home of a new user is created by useradd. sshd ignores keys in a directory that others may change. */
function ownDirectory(
  reader: HostReader,
  ahead: readonly Change[],
  path: string,
  { uid, gid }: { uid: number; gid: number },
): Change[] {
  const before = reader.stat(path);
  if (uid === 0) return missingDirectories(reader, ahead, path);
  if (before?.type === "directory" && before.uid === uid && (before.mode & 0o022) === 0) return [];
  if (before !== null && before.type !== "directory") {
    throw new Problem("conflict", `${path} is not a directory: move it away`, { hint: ["ls", "-ld", path] });
  }
  return [{ kind: "directory", path, before, mode: 0o700, uid, gid }];
}
