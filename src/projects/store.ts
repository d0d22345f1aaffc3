// The records of all projects: one file, the contract's, read strictly and written whole.

import * as v from "valibot";
import { Text } from "../engine/change.ts";
import { textOf } from "../engine/facts.ts";
import { Problem } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { projectsPath } from "../recipes/paths.ts";
import { type Project, projectSchema } from "./project.ts";

/** By slug, sorted. Throws a Problem that names the file, the key and why. */
export async function readProjects(see: HostReader): Promise<Map<string, Project>> {
  const text = textOf(see, projectsPath);
  if (text === null) return new Map();
  const json = await parsed(text);
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw broken("is not an object with a project under each slug");
  }
  // A slug that stands twice is one to the parser: the records say their slugs as well.
  const told = text.match(/"slug"\s*:/g)?.length ?? 0;
  if (told > Object.keys(json).length) await refuseTwice(text);
  const projects = Object.entries(json).map(([slug, record]) => [slug, projectOf(slug, record)] as const);
  refuseDoubles(projects.map(([, project]) => project));
  return new Map(projects.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Throws a Problem where there is none. */
export async function theProject(see: HostReader, slug: string): Promise<Project> {
  const project = (await readProjects(see)).get(slug);
  if (project) return project;
  throw new Problem("requirement", `project ${slug} is not registered`, { hint: ["edox-ops", "project", "list"] });
}

/** What the file should hold: as it is, to the byte, where no record differs from those that it has. */
export async function projectsText(see: HostReader, wanted: ReadonlyMap<string, Project>): Promise<Text> {
  const bytes = see.read(projectsPath);
  if (bytes !== null && Bun.deepEquals(await readProjects(see), new Map(wanted), true)) return new Text(bytes);
  // By hand, since an object puts a slug of digits first.
  const records = [...wanted]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([slug, project]) => {
      return `  ${JSON.stringify(slug)}: ${JSON.stringify(project, null, 2).replaceAll("\n", "\n  ")}`;
    });
  return Text.of(records.length === 0 ? "{}\n" : `{\n${records.join(",\n")}\n}\n`);
}

async function parsed(text: string): Promise<unknown> {
  try {
    return JSON.parse(text);
  } catch {
    const { parse, printParseErrorCode } = await import("jsonc-parser");
    const errors: import("jsonc-parser").ParseError[] = [];
    parse(text, errors, { disallowComments: true });
    const [first = { error: 1, offset: text.length }] = errors;
    const before = text.slice(0, first.offset).split("\n");
    const column = (before.at(-1)?.length ?? 0) + 1;
    throw broken(`is no JSON: ${printParseErrorCode(first.error)} at line ${before.length}, column ${column}`);
  }
}

/** Throws a Problem for a key that stands twice at the top. */
async function refuseTwice(text: string): Promise<void> {
  const { parseTree } = await import("jsonc-parser");
  const slugs = (parseTree(text)?.children ?? []).map(({ children }) => String(children?.[0]?.value));
  const twice = slugs.find((slug, i) => slugs.indexOf(slug) !== i);
  if (twice !== undefined) throw broken(`has the project ${twice} twice`);
}

function projectOf(slug: string, record: unknown): Project {
  const found = v.safeParse(projectSchema, record);
  if (!found.success) {
    const [issue] = found.issues;
    throw broken(`has ${[slug, v.getDotPath(issue)].filter(Boolean).join(".")} wrong: ${issue.message}`);
  }
  if (found.output.slug !== slug) throw broken(`has under ${slug} the project ${found.output.slug}`);
  return found.output;
}

/** No two have one domain, or one tree. */
function refuseDoubles(projects: readonly Project[]): void {
  for (const [i, project] of projects.entries()) {
    const other = projects.slice(0, i).find((each) => clashOf(each, project) !== null);
    if (other) throw broken(`has ${clashOf(other, project)} in two projects: ${other.slug} and ${project.slug}`);
  }
}

/** What two projects cannot both have, or null. */
export function clashOf(a: Project, b: Project): string | null {
  if (a.domain.toLowerCase() === b.domain.toLowerCase()) return `domain ${b.domain}`;
  if (a.root_path === b.root_path) return `root path ${b.root_path}`;
  return a.default === true && b.default === true ? "the answer to unknown names" : null;
}

function broken(why: string): Problem {
  return new Problem("state", `${projectsPath} ${why}`, { hint: ["sudo", "editor", projectsPath] });
}
