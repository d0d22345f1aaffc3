// Probes whether nginx serves the tree of a project, and finds the cause and the remedy where it does not.

import { gatherFacts } from "../../engine/facts.ts";
import type { HostReader } from "../../host/host.ts";
import { textOf } from "../../host/text-file.ts";
import { configFault } from "../../nginx/accepts.ts";
import { nginxConfig } from "../../nginx/config.ts";
import { setUp } from "../../nginx/fault.ts";
import { sitesEnabledDir } from "../../nginx/paths.ts";
import { hasLoadedFiles } from "../../nginx/running.ts";
import type { ProblemCode } from "../../problem/codes.ts";
import { Problem } from "../../problem/problem.ts";
import { portFree } from "../../resources/port.ts";
import { isActive } from "../../resources/service.ts";
import { isMasked } from "../../resources/unit-file.ts";
import type { Project } from "../project.ts";
import { rulesAnswer } from "../rules/tree-rules.ts";
import { comparedBytes, type FrontPage, frontPage, type Page, siteFront } from "./answer.ts";
import { foreignName, foreignWildcard } from "./foreign-name.ts";
import { isProtected, realmOf } from "./password-lines.ts";
import { siteText, vhostLinkPath, vhostPath } from "./site.ts";
import { hintToAsk, hintToStart, reloadNginx } from "./site-hints.ts";

/** The reason why a site is not served, and a command that fixes it or shows the cause. */
interface UnservedReason {
  reason: string;
  hint: string[];
  /** Without it, the code of the problem is not-served. */
  code?: ProblemCode;
}

/** Requests a site from nginx. Resolves to null where the site is served. */
export type Probe = () => Promise<UnservedReason | null>;

/**
 * Returns a probe for a page of an enabled site, by default its front page. Returns null for a disabled site, or where
 * `asks` is false (--no-probe).
 */
export function probeOf(
  reader: HostReader,
  project: Project,
  asks: boolean,
  front: FrontPage = siteFront(project),
): Probe | null {
  if (!project.enabled || !asks) return null;
  return async () => {
    const isAsking = isProtected(project, front.part);
    const reason = isAsking
      ? await whyOpen(reader, front, realmOf(project))
      : await whyUnserved(reader, project, front);
    return reason === null ? null : causeOf(reader, reason, project, front);
  };
}

/** Returns the problem of a site that is not served or cannot be probed; null for a served one. */
export async function unservedProblem(probe: Probe | null): Promise<Problem | null> {
  try {
    const unserved = await probe?.();
    return unserved ? new Problem(unserved.code ?? "not-served", unserved.reason, { hint: unserved.hint }) : null;
  } catch (error) {
    return Problem.of(error);
  }
}

/** Throws the problem of a site that is not served. The message ends with `outcome`. */
export async function demandServed(probe: Probe | null, outcome: string): Promise<void> {
  const problem = await unservedProblem(probe);
  if (problem === null) return;
  throw problem.with({ message: `${problem.message}; ${outcome}`, cause: problem });
}

async function whyUnserved(reader: HostReader, project: Project, front: FrontPage): Promise<string | null> {
  const path = `${front.root}/index.html`;
  const size = reader.statTarget(path)?.size;
  const start = reader.head(path, comparedBytes);
  // Only the rules of the site count, and none applies to a preview.
  const isRuled = front.part === "site" && rulesAnswer(reader, project.root_path, front.path);
  const hasPage = size !== undefined && start !== null && !isRuled;
  // A site without a front page correctly answers with an error, so any answer shows that it is served.
  const page = await frontPage(reader, front, hasPage ? "success" : "any status");
  if ("why" in page) return page.why;
  const other = `nginx answers for ${front.name}${front.path === "/" ? "" : front.path} with another page than ${path}`;
  if (!hasPage) return page.status === 0 ? `nginx does not answer for ${front.name} with HTTP` : null;
  if (page.status !== 200) return `${other}: its status is ${page.status}`;
  return isPage(page, start, size) ? null : other;
}

/**
 * Returns why a page is served to readers without the password of this realm, or null. Only the hash of the password is
 * known, so the server is recognised by its realm.
 */
async function whyOpen(reader: HostReader, front: FrontPage, realm: string): Promise<string | null> {
  const page = await frontPage(reader, front, "any status");
  if ("why" in page) return page.why;
  if (page.status === 401 && page.realm === realm) return null;
  const what = page.status === 401 ? "for the password of another site" : "without asking for its password";
  return `nginx answers for ${front.name}${front.path === "/" ? "" : front.path} ${what}: its status is ${page.status}`;
}

/** Returns whether the page that nginx sent is the file with this beginning and this size in bytes. */
function isPage({ text, size }: Page, start: Uint8Array, bytes: number): boolean {
  if (size !== null && size !== bytes) return false;
  // The output of a program is decoded in the same way: with its byte order mark, and without a partial character at
  // the end.
  const expected = new TextDecoder("utf-8", { ignoreBOM: true }).decode(start, { stream: true });
  return bytes > start.length ? text.startsWith(expected) : text === expected;
}

/** Looks for the cause of a failed probe, which usually names the command that fixes it. */
async function causeOf(
  reader: HostReader,
  reason: string,
  project: Project,
  front: FrontPage,
): Promise<UnservedReason> {
  const { slug } = project;
  if (reader.stat(sitesEnabledDir) === null) {
    return { reason: `${reason}: nginx is not set up`, hint: setUp };
  }
  if (!isActive(reader, "nginx")) return stoppedCause(reader, reason, project);
  const [site, link] = [vhostPath(slug), vhostLinkPath(slug)];
  const enable = ["sudo", "edox-ops", "project", "enable", slug];
  if (reader.readLink(link) !== site) return { reason: `${reason}: ${link} is missing`, hint: enable };
  if (textOf(reader, site) !== siteText(reader, project, gatherFacts(reader))) {
    return { reason: `${reason}: ${site} differs from its record`, hint: enable };
  }
  const { servers } = nginxConfig(reader);
  const isPreviewHost = front.part === "previews" && project.previews === "host";
  const other = isPreviewHost
    ? foreignWildcard(servers, project, front.name)
    : foreignName(servers, project, [project.domain]);
  if (other !== null) return { ...other, reason: `${reason}: ${other.reason}` };
  if (!hasLoadedFiles(reader, [site, sitesEnabledDir])) {
    return { reason: `${reason}: nginx has not loaded ${site} as it is now`, hint: reloadNginx };
  }
  return { reason, hint: hintToAsk(front) };
}

/** Returns why nginx is stopped: a mask, another program on its port, its own configuration, or a plain stop. */
async function stoppedCause(reader: HostReader, reason: string, { tls }: Project): Promise<UnservedReason> {
  const hint = hintToStart(reader);
  if (isMasked(reader, "nginx")) return { reason: `${reason}: nginx is masked`, hint };
  for (const port of tls ? [80, 443] : [80]) {
    const taken = await portFree(port, "nginx", () => false).check(reader, () => {});
    if (taken?.hint)
      return { ...taken, reason: `${reason}: nginx is not running, and ${taken.reason}`, hint: taken.hint };
  }
  const fault = await configFault(reader);
  if (fault === null) return { reason: `${reason}: nginx is not running`, hint };
  return { ...fault, reason: `${reason}: nginx is not running, and refuses its configuration: ${fault.reason}` };
}
