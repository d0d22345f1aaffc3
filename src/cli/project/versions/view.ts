// The versions of a project as a table for a terminal.

import type { Document } from "../../../report/schema.ts";
import { table } from "../../../report/table.ts";
import type { Project } from "../../../sites/project.ts";
import { urlOf } from "../../../sites/serve/answer.ts";
import { sizeText } from "../../../text/size.ts";
import { ageText } from "../../../text/time.ts";
import { linesText, rootCommand, type View } from "../../view.ts";

interface Versions {
  project: Project;
  versions: NonNullable<Document["versions"]>;
  nowMs: number;
}

/** Returns a row for each version, and where addresses without a version lead to. */
export function versionsText({ project, versions, nowMs }: Versions, view: View): string {
  const { slug, default_version } = project;
  const [newest] = versions;
  if (newest === undefined) {
    const next = { argv: rootCommand(`project deploy ${slug} --as 1.0 --source DIRECTORY`) };
    return linesText(view, { text: `No versions of ${slug} yet.`, next });
  }
  const rows = versions.map(({ version, title, aliases, is_default, url, deployed, bytes }) => [
    title === version ? version : `${version} (${title})`,
    [...aliases, ...(is_default ? ["default"] : [])].join(", "),
    deployed === null ? view.glyph("unknown") : ageText(Date.parse(deployed), nowMs),
    bytes === null ? view.glyph("unknown") : sizeText(bytes),
    url,
  ]);
  const next = { argv: rootCommand(`project versions default ${slug} ${newest.aliases[0] ?? newest.version}`) };
  const end =
    default_version === undefined
      ? linesText(view, { text: "No version is the default.", next })
      : linesText(view, { text: `${urlOf(project)} leads to ${default_version}.` });
  return `${table(["VERSION", "ALIASES", "DEPLOYED", "SIZE", "URL"], rows, view.width)}\n${end}`;
}
