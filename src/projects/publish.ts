// The trees of a project replaced: by what somebody built, or by an earlier one of its own.

import { textOf } from "../engine/facts.ts";
import { Problem } from "../engine/step.ts";
import type { Host, HostReader } from "../host/host.ts";
import type { Trees } from "../host/trees.ts";
import { frontPage } from "./answer.ts";
import type { Order } from "./deploy.ts";
import type { Project } from "./project.ts";
import { backupNames, backupsOf } from "./releases.ts";
import { sourceDir } from "./source.ts";

type Choices = Pick<Order, "keep" | "backup" | "allowEmpty"> & { asks: boolean };

/** `typed`: a directory; null for the one of the record. */
export function deployOrder(project: Project, typed: string | null, choices: Choices, host: Host, trees: Trees): Order {
  const dir = typed ?? project.source_path;
  if (dir === null) {
    const hint = ["sudo", "edox-ops", "project", "deploy", project.slug, "--source", "public"];
    throw new Problem("usage", `${project.slug} has no source path: say --source`, { hint });
  }
  return { project, dir: sourceDir(trees, dir), of: "others", ...choices, probe: probeOf(project, choices, host) };
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
  return { project, dir: `${dir}/${name}`, of: "ours", ...choices, probe: probeOf(project, choices, host) };
}

/** An enabled site is asked for its front page, where it has one. */
function probeOf(project: Project, { asks }: Choices, see: HostReader): Order["probe"] {
  if (!project.enabled || !asks) return null;
  return async (path) => {
    if (path === null) return null;
    const answer = await frontPage(see, project);
    if ("why" in answer) return answer.why;
    const wanted = textOf(see, path);
    return answer.page === wanted ? null : `nginx answers for ${project.domain} with another page than ${path}`;
  };
}
