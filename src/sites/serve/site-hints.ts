// Hints for a project whose site is missing or does not answer.

import type { HostReader } from "../../host/host.ts";
import { hasLoadedFiles } from "../../nginx/running.ts";
import { isActive, unmask } from "../../resources/service.ts";
import { isMasked } from "../../resources/unit-file.ts";
import { parentOf } from "../../text/path.ts";
import { backupNames } from "../deploy/releases.ts";
import { readRestores } from "../deploy/restores.ts";
import type { Draft, Project } from "../project.ts";
import { whyNotPublished } from "../source/source-path.ts";
import { type FrontPage, frontUrl, siteFront } from "./answer.ts";
import { swapSuffix } from "./clash.ts";
import { vhostLinkPath, vhostPath } from "./site.ts";

const command = (...words: string[]): string[] => ["sudo", "edox-ops", "project", ...words];

/**
 * Returns the command that recreates the tree of a project: from the swap name of the Python version, from its newest
 * backup, or from the source of its record. Without any of these, the admin has to name the directory.
 */
export function hintToFill(reader: HostReader, { slug, root_path, source_path }: Project): string[] {
  // A deploy of the Python version that was killed between two renames leaves the live tree under this name.
  const swapped = `${root_path}${swapSuffix}`;
  if (reader.stat(swapped)?.type === "directory") return ["sudo", "mv", "--no-clobber", swapped, root_path];
  // A deploy does not create the directory above the tree.
  if (reader.stat(parentOf(root_path)) === null) return command("init", slug);
  const [names, restores] = [backupNames(reader, slug), readRestores(reader, slug)];
  if (names[0] !== undefined) {
    // Without --backup, a restore takes the newest backup that a deploy left.
    const named = names.every((name) => restores.has(name)) ? ["--backup", names[0]] : [];
    return command("restore", slug, ...named, "--yes");
  }
  const isUsable =
    source_path !== null && whyNotPublished(reader, source_path) === null && reader.statTarget(source_path) !== null;
  return command("deploy", slug, ...(isUsable ? [] : ["--source", "DIRECTORY"]));
}

/** Returns the command that creates the new root of a site, as a copy of the current tree where that exists. */
export function hintToMove(reader: HostReader, before: Draft, { root_path }: Project): string[] {
  const from = before.root_path;
  const isThere = typeof from === "string" && reader.stat(from)?.type === "directory";
  return ["sudo", ...(isThere ? ["cp", "-a", "--", from, root_path] : ["mkdir", "-p", root_path])];
}

export const reloadNginx = ["sudo", "systemctl", "reload", "nginx"];

/** Returns the command that starts a stopped nginx, or unmasks it first. */
export function hintToStart(reader: HostReader): string[] {
  return isMasked(reader, "nginx") ? unmask("nginx") : ["sudo", "systemctl", "start", "nginx"];
}

/** Returns the command that fixes or diagnoses a site whose tree exists but which does not answer. */
export function hintToAnswer(reader: HostReader, project: Project, status: number): string[] {
  if (!isActive(reader, "nginx")) return hintToStart(reader);
  const paths = [vhostPath(project.slug), vhostLinkPath(project.slug)];
  if (!hasLoadedFiles(reader, paths)) return reloadNginx;
  // nginx logs there why it could not serve a page.
  if (status !== 0) return ["sudo", "tail", "-n", "20", "/var/log/nginx/error.log"];
  return hintToAsk(siteFront(project));
}

/** Returns the command that repeats the request of the probe. */
export function hintToAsk(front: FrontPage): string[] {
  const resolve = `${front.name}:${front.tls ? 443 : 80}:127.0.0.1`;
  return ["curl", "-sSIk", "--noproxy", "*", "--resolve", resolve, frontUrl(front)];
}
