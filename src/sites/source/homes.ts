// Home directories are never a source, because keys, histories and mail would be published with the pages.

import { fieldsOf } from "../../host/account-files.ts";
import type { HostReader } from "../../host/host.ts";

const homesDir = "/home";
/** The kernel follows the same number on one path. */
const mostLinks = 40;

/**
 * Returns why a directory must not be published because of homes, or null. A directory in /home counts as a home even
 * if no account of this host names it.
 */
export function homeIn(reader: HostReader, written: string): string | null {
  const path = withoutLinks(reader, written);
  for (const [user = "", , , , , home = ""] of fieldsOf(reader, "/etc/passwd")) {
    // System accounts have the root directory as their home, or none.
    if (!/^\/[^/]/.test(home)) continue;
    const real = withoutLinks(reader, home);
    if (path === real) return `it is the home directory of ${user}, and everything in it would be public`;
    if (real.startsWith(`${path}/`)) return `it contains ${real}, the home directory of ${user}`;
  }
  const homes = withoutLinks(reader, homesDir);
  if (path === homes) return "it contains the home directories of all users";
  const isHome = path.startsWith(`${homes}/`) && !path.slice(homes.length + 1).includes("/");
  return isHome && reader.stat(path)?.type === "directory"
    ? "it is a home directory, and everything in it would be public"
    : null;
}

/**
 * Resolves symlinks, because /home is often a symlink to another disk. Returns the path itself where it has more than
 * {@link mostLinks}, as in a loop.
 */
function withoutLinks(reader: HostReader, path: string): string {
  const names = path.split("/");
  let real = "";
  for (let links = 0; names.length > 0; ) {
    const name = names.shift() ?? "";
    if (name === "" || name === ".") continue;
    const target = name === ".." ? null : reader.readLink(`${real}/${name}`);
    if (target !== null) {
      links += 1;
      if (links > mostLinks) return path;
      if (target.startsWith("/")) real = "";
      names.unshift(...target.split("/"));
    } else real = name === ".." ? real.slice(0, Math.max(0, real.lastIndexOf("/"))) : `${real}/${name}`;
  }
  return real || "/";
}
