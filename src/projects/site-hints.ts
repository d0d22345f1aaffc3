// What to type where the site of a project is missing, or does not answer.

import type { HostReader } from "../host/host.ts";
import { tookFiles } from "../recipes/nginx-running.ts";
import { isActive, isMasked, unmask } from "../resources/service.ts";
import { urlOf } from "./answer.ts";
import { swapSuffix } from "./clash.ts";
import type { Draft, Project } from "./project.ts";
import { backupNames } from "./releases.ts";
import { readRestores } from "./restores.ts";
import { vhostLinkPath, vhostPath } from "./site.ts";
import { whyNotPublished } from "./source-path.ts";

const command = (...words: string[]): string[] => ["sudo", "edox-ops", "project", ...words];

/**
 * Returns the command that gives a project its tree again: from where it was moved, from its newest release, or from the
 * source of its record. Where it has neither, only its owner knows which directory is the site.
 */
export function hintToFill(see: HostReader, { slug, root_path, source_path }: Project): string[] {
  // A deploy of the Python version that is killed between two renames leaves the live tree there.
  const swapped = `${root_path}${swapSuffix}`;
  if (see.stat(swapped)?.type === "directory") return ["sudo", "mv", "--no-clobber", swapped, root_path];
  // A deploy moves the new tree into a directory, and makes none above it.
  if (see.stat(root_path.slice(0, root_path.lastIndexOf("/"))) === null) return command("init", slug);
  const [names, restores] = [backupNames(see, slug), readRestores(see, slug)];
  if (names[0] !== undefined) {
    // Without a name it is the newest that a deploy left.
    const named = names.every((name) => restores.has(name)) ? ["--backup", names[0]] : [];
    return command("restore", slug, ...named, "--yes");
  }
  const isUsable =
    source_path !== null && whyNotPublished(source_path, see) === null && see.statTarget(source_path) !== null;
  return command("deploy", slug, ...(isUsable ? [] : ["--source", "DIRECTORY"]));
}

/** Returns the command that makes the directory a site moves to, with what is served now where that is there. */
export function hintToMove(see: HostReader, before: Draft, { root_path }: Project): string[] {
  const from = before.root_path;
  const isThere = typeof from === "string" && see.stat(from)?.type === "directory";
  return ["sudo", ...(isThere ? ["cp", "-a", "--", from, root_path] : ["mkdir", "-p", root_path])];
}

export const reloadNginx = ["sudo", "systemctl", "reload", "nginx"];

/** Returns the command that starts an nginx that is stopped, or unmasks it first. */
export function hintToStart(see: HostReader): string[] {
  return isMasked(see, "nginx") ? unmask("nginx") : ["sudo", "systemctl", "start", "nginx"];
}

/** Returns the command that mends a site whose tree is there and which nginx does not answer for, or shows why not. */
export function hintToAnswer(see: HostReader, project: Project, status: number): string[] {
  if (!isActive(see, "nginx")) return hintToStart(see);
  const paths = [vhostPath(project.slug), vhostLinkPath(project.slug)];
  if (!tookFiles(see, paths)) return reloadNginx;
  // nginx writes there why it could not give a page.
  if (status !== 0) return ["sudo", "tail", "-n", "20", "/var/log/nginx/error.log"];
  return hintToAsk(project);
}

/** Returns the command that shows how nginx answers for a project, as the check of this program asks it. */
export function hintToAsk(project: Project): string[] {
  const port = project.tls ? 443 : 80;
  const resolve = `${project.domain}:${port}:127.0.0.1`;
  return ["curl", "-sSIk", "--noproxy", "*", "--resolve", resolve, urlOf(project)];
}
