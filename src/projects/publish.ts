// The trees of a project replaced: by what somebody built, or by an earlier one of its own.

import { textOf } from "../engine/facts.ts";
import { Problem } from "../engine/step.ts";
import type { Host, HostReader } from "../host/host.ts";
import { Refused, type Trees } from "../host/trees.ts";
import { gidOf } from "../resources/group.ts";
import { frontPage } from "./answer.ts";
import type { Order } from "./plan.ts";
import type { Project } from "./project.ts";
import { backupNames, backupsOf, makeBackupsDir, unpackedPath } from "./releases.ts";
import { publishable } from "./source.ts";

type Choices = Pick<Order, "keep" | "backup" | "allowEmpty"> & { asks: boolean };

/** 10 GiB in a million files is no site: an archive that holds more is a mistake, or a trap. */
const mostUnpacked = { entries: 1_000_000, bytes: 10 * 2 ** 30 };

export interface Given {
  /** A directory, an archive, or "-" for a tar on stdin; null for the source of the record. */
  source: string | null;
  /** The part of it that is the site. */
  subdir: string | null;
}

/** An archive is unpacked first. What that leaves, and a directory that is held, {@link Order.letGo} and settle end. */
export async function deployOrder(
  project: Project,
  { source, subdir }: Given,
  choices: Choices,
  host: Host,
  trees: Trees,
): Promise<Order> {
  const given = source ?? project.source_path;
  if (given === null) {
    const hint = ["sudo", "edox-ops", "project", "deploy", project.slug, "--source", "public"];
    throw new Problem("usage", `${project.slug} has no source path: say --source`, { hint });
  }
  const real = given === "-" ? given : publishable(trees, given);
  const isArchive = given === "-" || trees.entry(real)?.type === "file";
  if (!isArchive && trees.entry(real)?.type !== "directory") {
    throw new Problem("blocked", `${given} is neither a directory nor an archive`, { hint: ["ls", "-ld", given] });
  }
  const whole = isArchive ? await unpacked(project, given, real, host, trees) : real;
  const part = subdir === null ? whole : partOf(trees, whole, subdir);
  const name = subdir === null ? given : `${given}/${subdir}`;
  const ordered = { project, name, ...choices, probe: probeOf(project, choices, host) };
  if (isArchive) return { ...ordered, dir: part, of: "unpacked" };
  const { dir, letGo } = trees.hold(part);
  return { ...ordered, dir, letGo, of: "others" };
}

async function unpacked(project: Project, given: string, real: string, host: Host, trees: Trees): Promise<string> {
  const { slug, owner_group } = project;
  makeBackupsDir(host, slug);
  const dir = unpackedPath(slug);
  const owner = { uid: host.uid, gid: gidOf(host, owner_group) ?? 0 };
  // What a killed one left: the project's lock is ours.
  trees.remove(dir);
  trees.makeDirectory(dir, { mode: 0o755, ...owner });
  const bytes = Math.min(mostUnpacked.bytes, trees.room(dir).bytes);
  try {
    await trees.unpack(real, dir, { mode: 0o644, ...owner }, { ...mostUnpacked, bytes });
    return dir;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const name = given === "-" ? "the archive on stdin" : given;
    throw new Problem("blocked", `${name} is not published: ${error.message}`, { hint: ["ls", "-l", given] });
  }
}

/** Throws a Problem for a part that is not there, or not in there. */
function partOf(trees: Trees, whole: string, subdir: string): string {
  const real = trees.real(`${whole}/${subdir}`);
  if (real?.startsWith(`${whole}/`) && trees.entry(real)?.type === "directory") return real;
  throw new Problem("usage", `--subdir '${subdir}' is no directory in what is published`);
}

/** `typed`: the name of a backup, or its path; null for the newest. */
export function restoreOrder(project: Project, typed: string | null, choices: Choices, host: Host): Order {
  const names = backupNames(host, project.slug);
  const dir = backupsOf(project.slug);
  const name = typed === null ? names[0] : typed.startsWith(`${dir}/`) ? typed.slice(dir.length + 1) : typed;
  if (name === undefined || !names.includes(name)) {
    const what = typed === null ? `${project.slug} has no backup` : `${project.slug} has no backup ${typed}`;
    throw new Problem("requirement", what, { hint: ["edox-ops", "project", "backups", "list", project.slug] });
  }
  const from = `${dir}/${name}`;
  return { project, dir: from, name: from, of: "release", ...choices, probe: probeOf(project, choices, host) };
}

/** An enabled site is asked for its front page, where it has one. */
function probeOf(project: Project, { asks }: Choices, see: HostReader): Order["probe"] {
  if (!project.enabled || !asks) return null;
  return async () => {
    const path = `${project.root_path}/index.html`;
    const wanted = textOf(see, path);
    if (wanted === null) return null;
    const answer = await frontPage(see, project);
    if ("why" in answer) return answer.why;
    return answer.page === wanted ? null : `nginx answers for ${project.domain} with another page than ${path}`;
  };
}
