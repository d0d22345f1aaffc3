// Home directories, which are never a source: with the pages come keys, histories and mail.

import { textOf } from "../engine/facts.ts";
import type { HostReader } from "../host/host.ts";

const homesDir = "/home";

/** Returns why no home is published with this directory, or null. A home that the accounts of this host do not name is one too. */
export function homeIn(path: string, see: HostReader): string | null {
  for (const [user = "", , , , , home = ""] of accounts(see)) {
    // Accounts that log in nowhere have the root directory, or none.
    if (!/^\/[^/]/.test(home)) continue;
    const real = home.replace(/\/+$/, "");
    if (path === real) return `it is the home of ${user}, and everything in it would be public`;
    if (real.startsWith(`${path}/`)) return `it has ${real} in it, the home of ${user}`;
  }
  if (path === homesDir) return "it has the homes of all users in it";
  const isHome = path.startsWith(`${homesDir}/`) && !path.slice(homesDir.length + 1).includes("/");
  return isHome && see.stat(path)?.type === "directory" ? "it is a home, and everything in it would be public" : null;
}

function accounts(see: HostReader): string[][] {
  return (textOf(see, "/etc/passwd") ?? "").split("\n").map((line) => line.split(":"));
}
