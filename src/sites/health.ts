// Checks the projects of a host, for `project validate` and for doctor.

import type { Facts } from "../engine/facts.ts";
import { type HostReader, UnknownStateError } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { refusal } from "../nginx/accepts.ts";
import { type NginxConfig, nginxConfig } from "../nginx/config.ts";
import { hasLoadedFiles } from "../nginx/running.ts";
import { Problem } from "../problem/problem.ts";
import { gidOf, noGroup } from "../resources/group.ts";
import { isActive } from "../resources/service.ts";
import { nameOf } from "../text/path.ts";
import { backupsOf, mostKept, projectLockPath } from "./deploy/releases.ts";
import { namesOf, type Project } from "./project.ts";
import { isDormant, servedRules } from "./rules/dormant.ts";
import { textsFor } from "./rules/resources.ts";
import { liveRulesFault, rulesAnswer } from "./rules/tree-rules.ts";
import { statuses, urlOf } from "./serve/answer.ts";
import { certificatePathsOf } from "./serve/certificate-files.ts";
import { besideSuffixes } from "./serve/clash.ts";
import { foreignName } from "./serve/foreign-name.ts";
import { passwordFaults } from "./serve/password-faults.ts";
import { isProtected } from "./serve/password-lines.ts";
import { ruleMapsPath, ruleServerPath } from "./serve/rule-lines.ts";
import { siteText, vhostLinkPath, vhostPath } from "./serve/site.ts";
import { hintToAnswer, hintToFill, hintToStart, reloadNginx } from "./serve/site-hints.ts";
import { whyNotPublished } from "./source/source-path.ts";
import { readRecords } from "./store.ts";
import { versionTarget } from "./target.ts";
import { versionFaults } from "./versions/health.ts";
import { isVersionName } from "./versions/names.ts";
import { readVersions } from "./versions/versions.ts";

export interface Fault {
  detail: string;
  hint: string[];
  /** What it affects, for a person. */
  affects?: string;
  /** A warning: the state may be intended. */
  mild?: true;
  /** Doctor has a check of its own for it. */
  elsewhere?: true;
  /** The state could not be determined. */
  unknown?: true;
  /** Another fault of the project or of nginx explains this one. */
  follows?: true;
}

const command = (...words: string[]): string[] => ["sudo", "edox-ops", "project", ...words];

/**
 * Returns the faults of each project by the key of its record, with one read of nginx's configuration. A file that
 * cannot be read is a fault of its own project only. Throws a Problem where the file of the records cannot be parsed.
 */
export async function faultsOfAll(reader: HostReader, facts: Facts): Promise<Map<string, Fault[]>> {
  const { projects, broken } = await readRecords(reader);
  const config = nginxConfig(reader);
  const enabled = [...projects.values()].filter((project) => project.enabled);
  const answers = await statuses(reader, enabled);
  const tlsFaults = certificateCheck(reader);
  const all = [...broken].map(([slug, { reason, hint }]): [string, Fault[]] => {
    return [slug, [{ detail: `its record is invalid: ${reason}`, hint }]];
  });
  for (const [slug, project] of projects) {
    const faults = [
      ...(await asFaults(project, () => [...treeFaults(reader, project), ...versionFaults(reader, project)])),
      ...(await asFaults(project, async () => [
        ...(await tlsFaults(project)),
        ...siteFaults(reader, { project, facts, config, answer: answers.get(slug) }),
      ])),
      ...(await asFaults(project, () => passwordFaults(reader, project))),
    ];
    all.push([slug, faults]);
  }
  return new Map(all.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Returns a check of the certificates in use. It parses the system's root certificates at most once. */
function certificateCheck(reader: HostReader): (project: Project) => Promise<Fault[]> {
  let roots: ReturnType<typeof import("./serve/certificate.ts").trustedRoots> | undefined;
  return async (project) => {
    if (!project.enabled || !project.tls) return [];
    const { certificateFaults, trustedRoots } = await import("./serve/certificate.ts");
    roots ??= trustedRoots(reader);
    const faults = certificateFaults(reader, project, roots);
    return faults.map((each) => (each.mild ? each : { ...each, affects: `HTTPS of ${project.domain}` }));
  };
}

/**
 * Returns the faults of one check. An unreadable file is a fault of this project only, and unknown where only root may
 * read it.
 */
async function asFaults({ slug }: Project, run: () => Fault[] | Promise<Fault[]>): Promise<Fault[]> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof UnknownStateError)
      return [{ detail: error.message, hint: command("validate", slug), unknown: true }];
    const { message, hint = command("show", slug) } = Problem.of(error);
    return [{ detail: message, hint: [...hint] }];
  }
}

/**
 * Returns the faults that keep nginx from serving any site, for the check of a single project. Doctor has its own
 * checks for them.
 */
export async function nginxFaults(reader: HostReader, slug: string): Promise<Fault[]> {
  const faults: Fault[] = [];
  try {
    const fault = await refusal(reader);
    if (fault) faults.push({ detail: fault.reason, hint: fault.hint });
  } catch (error) {
    if (!(error instanceof UnknownStateError)) throw error;
    faults.push({ detail: error.message, hint: command("validate", slug), unknown: true });
  }
  if (!isActive(reader, "nginx")) {
    const hint = hintToStart(reader);
    faults.push({ detail: "nginx is not active", hint, ...(faults.length > 0 && { follows: true as const }) });
  }
  return faults;
}

function treeFaults(reader: HostReader, project: Project): Fault[] {
  const { slug, root_path, source_path, owner_group, enabled } = project;
  const deploys = `deploys of ${slug}`;
  const faults: Fault[] = [];
  const stat = reader.stat(root_path);
  // A site of versions needs no tree of its own.
  const isVersioned = readVersions(reader, slug).versions.length > 0;
  if (stat === null) {
    if (!isVersioned) faults.push({ detail: `${root_path} is missing`, hint: hintToFill(reader, project) });
  } else if (stat.type !== "directory") {
    faults.push({ detail: `${root_path} is not a directory`, hint: ["ls", "-ld", root_path] });
  }
  const isEmpty = stat?.type === "directory" && !(reader.list(root_path) ?? []).some(isShown);
  if (isEmpty && !isVersioned) {
    // A disabled site needs no page before its first deploy.
    const hint = hintToFill(reader, project);
    faults.push({ detail: `${root_path} has nothing to serve`, hint, ...(!enabled && { mild: true as const }) });
  } else if (
    !isVersioned &&
    stat?.type === "directory" &&
    !enabled &&
    reader.statTarget(`${root_path}/index.html`) === null
  ) {
    // An enabled site is probed instead.
    faults.push({ detail: `${root_path} has no index.html`, hint: ["ls", "-la", root_path], mild: true });
  }
  const unpublished = source_path === null ? null : whyNotPublished(reader, source_path);
  if (unpublished !== null) {
    const detail = `the source ${source_path} is not published: ${unpublished.reason}`;
    faults.push({ detail, hint: command("update", slug, "--source-path", "DIRECTORY"), affects: deploys });
  } else if (source_path !== null && reader.statTarget(source_path) === null) {
    const hint = command("update", slug, "--source-path", "DIRECTORY");
    faults.push({ detail: `the source ${source_path} is missing`, hint, affects: deploys });
  }
  const gid = gidOf(reader, owner_group);
  if (gid === null) {
    const { reason, hint } = noGroup(owner_group);
    faults.push({ detail: reason, hint, affects: deploys });
  }
  const page = `${root_path}/index.html`;
  const owner = reader.stat(page);
  // The user is not checked, because the Python version made the web server's user the owner.
  if (owner !== null && gid !== null && (owner.gid !== gid || (owner.mode & 0o022) !== 0)) {
    faults.push({
      detail: `${page} is not of the group ${owner_group}, or others may write it`,
      hint: ["ls", "-l", page],
    });
  }
  const open = stat?.type === "directory" ? openToOthers(reader, root_path) : null;
  if (open !== null) {
    faults.push({
      detail: `${open} can be changed by another user than root: the next deploy resets its owner`,
      hint: command("deploy", slug, ...(source_path === null ? ["--source", "DIRECTORY"] : [])),
      mild: true,
    });
  }
  for (const path of besideSuffixes.map((suffix) => root_path + suffix).filter((each) => reader.stat(each) !== null)) {
    faults.push({
      detail: `${path} was left by an interrupted deploy`,
      hint: ["ls", "-la", path],
      mild: true,
    });
  }
  const kept = reader.list(backupsOf(slug)) ?? [];
  if (kept.length === 0 && reader.stat(backupsOf(slug)) !== null) {
    faults.push({ detail: `${backupsOf(slug)} is empty`, hint: ["sudo", "rmdir", backupsOf(slug)], mild: true });
  }
  const versions = (reader.list(`${backupsOf(slug)}/versions`) ?? []).filter(isVersionName);
  const keys = [slug, ...versions.map((name) => versionTarget(slug, name).key)];
  const left = keys.find((key) => reader.list(backupsOf(key))?.some(isWorkingTree));
  if (left !== undefined && !mayBeDeploying(reader, slug)) {
    const selected = left === slug ? [] : ["--as", nameOf(left)];
    faults.push({
      detail: "a deploy was interrupted: the next one cleans up",
      // This prune cleans up the rest of the killed deploy, and with the maximum to keep it deletes no backup.
      hint: command("backups", "prune", slug, ...selected, "--keep", String(mostKept)),
      mild: true,
    });
  }
  return faults;
}

/** Returns whether this is the name of a tree that a deploy works on. */
const isWorkingTree = (name: string): boolean => /^\.(stage|trash|unpacked)/.test(name);

/** nginx serves no hidden name except .well-known, which certbot leaves in a tree without pages. */
function isShown(name: string): boolean {
  return !name.startsWith(".");
}

/** Returns the root or a directory directly in it that a user other than root can change, or null. */
function openToOthers(reader: HostReader, root: string): string | null {
  const dirs = [root, ...(reader.list(root) ?? []).map((name) => `${root}/${name}`)];
  const isOpen = (path: string): boolean => {
    const stat = reader.stat(path);
    return stat?.type === "directory" && (stat.uid !== 0 || (stat.mode & 0o022) !== 0);
  };
  return dirs.find(isOpen) ?? null;
}

/** Returns whether a deploy may be running. Only root can read the lock, so this is true for other users. */
function mayBeDeploying(reader: HostReader, slug: string): boolean {
  try {
    return reader.lockHolders(projectLockPath(slug)).length > 0;
  } catch (error) {
    if (error instanceof UnknownStateError) return true;
    throw error;
  }
}

/** Returns whether the front page was sent, or a rule answered in its place. */
function isAnswered(reader: HostReader, { root_path }: Project, answer: number | undefined): boolean {
  if (answer === undefined || answer < 200) return false;
  return answer < 400 || ((answer === 404 || answer === 410) && rulesAnswer(reader, root_path, "/"));
}

function siteFaults(
  reader: HostReader,
  {
    project,
    facts,
    config: { servers },
    answer,
  }: { project: Project; facts: Facts; config: NginxConfig; answer: number | undefined },
): Fault[] {
  const { slug, enabled, tls } = project;
  const [site, link] = [vhostPath(slug), vhostLinkPath(slug)];
  const faults: Fault[] = [];
  const linked = reader.readLink(link) === site;
  if (!enabled) {
    if (reader.stat(link) !== null)
      faults.push({ detail: `${link} exists although the project is disabled`, hint: command("disable", slug) });
    return faults;
  }
  const affects = urlOf(project);
  if (!linked) faults.push({ detail: `${link} is missing`, hint: command("enable", slug), affects });
  // certbot exits with success even if its hook could not reload nginx.
  const { chainPath, keyPath } = certificatePathsOf(project);
  if (tls && linked && answer && !hasLoadedFiles(reader, [chainPath, keyPath])) {
    const detail = `${chainPath} is newer than what nginx serves: it has not been reloaded since`;
    faults.push({ detail, hint: reloadNginx, mild: true, elsewhere: true });
  }
  const text = textOf(reader, site);
  if (text === null) faults.push({ detail: `${site} is missing`, hint: command("enable", slug), affects });
  else if (text !== siteText(reader, project, facts)) {
    // A site of the Python version is served until it is updated.
    const detail = `${site} differs from its record (drift)`;
    faults.push({ detail, hint: command("enable", slug), mild: true });
  }
  const refused = isDormant(reader, project) ? null : liveRulesFault(reader, project);
  if (refused !== null) {
    faults.push({ detail: `${refused.reason}; its rules have no effect`, hint: refused.hint, mild: true });
  }
  const texts = textsFor(project, servedRules(reader, project));
  const differing = [ruleMapsPath(slug), ruleServerPath(slug)].find(
    (path, i) => textOf(reader, path) !== ([texts?.maps, texts?.server][i] ?? null),
  );
  if (differing !== undefined) {
    const detail = `${differing} differs from the rules of the live tree (drift)`;
    faults.push({ detail, hint: command("enable", slug), affects: `redirects and headers of ${slug}`, mild: true });
  }
  const other = foreignName(servers, project, namesOf(project));
  if (other !== null) faults.push({ detail: other.reason, hint: other.hint, affects });
  if (isProtected(project, "site")) {
    if (linked && answer !== 401) {
      const how = answer ? `answers ${answer} and does not ask for its password` : "does not answer";
      const hint = answer && answer < 400 ? command("enable", slug) : hintToAnswer(reader, project, answer ?? 0);
      faults.push({ detail: `${affects} ${how} on this host`, hint, affects, follows: true });
    }
  } else if (linked && !isAnswered(reader, project, answer)) {
    const status = answer ? `answers ${answer}` : "does not answer";
    // A site without a front page may be deployed intentionally, with its pages in subdirectories.
    const blank = (answer === 403 || answer === 404) && reader.stat(`${project.root_path}/index.html`) === null;
    if (blank) {
      const isEmpty = (reader.list(project.root_path) ?? []).length === 0;
      const [newest] = readVersions(reader, slug).versions;
      const hint = newest
        ? command("versions", "default", slug, newest.aliases[0] ?? newest.name)
        : isEmpty
          ? hintToFill(reader, project)
          : ["ls", "-la", project.root_path];
      faults.push({
        detail: `${urlOf(project)} ${status}: it has no index.html`,
        hint,
        affects,
        mild: true,
        follows: true,
      });
    } else {
      const hint = hintToAnswer(reader, project, answer ?? 0);
      faults.push({ detail: `${urlOf(project)} ${status} on this host`, hint, affects, follows: true });
    }
  }
  return faults;
}
