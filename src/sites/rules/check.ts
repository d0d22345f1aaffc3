// Checks the rules of a new tree: what they lead to exists, they end, and nginx answers each of them as it should.

import type { Host } from "../../host/host.ts";
import type { Trees } from "../../host/trees.ts";
import { Problem } from "../../problem/problem.ts";
import { countOf } from "../../text/lines.ts";
import { keptAssetsOf } from "../deploy/releases.ts";
import type { Project } from "../project.ts";
import { ownHeaders } from "../serve/site-headers.ts";
import { type Answer, Answers, SiteFiles } from "./answers.ts";
import { reachedRules } from "./compile.ts";
import { headersFor, samplePath } from "./header-maps.ts";
import { encoded, headersName, invalid, RuleFault, redirectsName, shown } from "./lines.ts";
import { isExact, sampleOf } from "./pattern.ts";
import type { Response } from "./private-nginx.ts";
import { isRedirecting, localPath, type Redirect } from "./redirects.ts";
import type { Rules, RuleTexts } from "./rules.ts";
import { filled, isFixed } from "./target.ts";

/** Browsers follow about 20 redirects. */
const mostHops = 10;
const mostNotes = 5;

/** Returns the files of a tree that a deploy has staged or published. */
export function filesOf(trees: Trees, tree: string): SiteFiles {
  return new SiteFiles((path) => trees.entry(`${tree}/${path}`)?.type === "file");
}

/** Returns warnings about rules that never apply. Throws a Problem for a rule that leads nowhere. */
export function checkTargets({ redirects }: Rules, files: SiteFiles): string[] {
  const { reached, shadowed } = reachedRules(redirects);
  const answers = new Answers(reached, files);
  const notes = shadowed.map(({ rule, by }) => `${place(rule)}: never applies: line ${by.line} matches its path first`);
  for (const rule of reached) {
    if (rule.to !== null && !isRedirecting(rule.status) && isFixed(rule.to)) {
      const path = filled(rule.to, new Map());
      const fault = new RuleFault(`${shown(path)} is not in the site`, "name a page of the site");
      if (files.find(path) === null) throw invalid(redirectsName, rule.line, fault);
    }
    const path = sampleOf(rule.from);
    if (!rule.forced && isExact(rule.from)) {
      const file = path === "/favicon.ico" ? "the answer to browsers that ask for it unasked" : files.find(path);
      if (file !== null) {
        notes.push(
          `${place(rule)}: never applies: ${path} is ${file === path.slice(1) ? "a file" : file}; add ! to its status`,
        );
        continue;
      }
    }
    demandEnd(rule, answers);
  }
  const more = notes.length - mostNotes;
  return more > 0 ? [...notes.slice(0, mostNotes), `${countOf(more, "more rule")} never applies`] : notes;
}

const place = ({ line }: Redirect): string => `${redirectsName}:${line}`;

/** Throws a Problem for a rule whose target is redirected again and again. */
function demandEnd(rule: Redirect, answers: Answers): void {
  let path = sampleOf(rule.from);
  for (let hop = 0; hop <= mostHops; hop++) {
    const found = answers.to(path);
    if (found === null || !isRedirecting(found.rule.status)) return;
    const next = localPath(found.target ?? "");
    if (next === null) return;
    path = next;
  }
  throw invalid(redirectsName, rule.line, new RuleFault("the redirects never end", "let the last one lead to a page"));
}

/** Throws a Problem for a rule that nginx does not answer as it should. */
export async function probeRules(
  host: Host,
  trees: Trees,
  { project, tree, rules, texts }: { project: Project; tree: string; rules: Rules; texts: RuleTexts },
): Promise<void> {
  const files = filesOf(trees, tree);
  const { reached } = reachedRules(rules.redirects);
  const answers = new Answers(reached, files);
  const expected = reached.flatMap((rule) => {
    const path = sampleOf(rule.from);
    const answer = isKept(host, project, path) ? null : answers.to(path);
    return answer === null ? [] : [{ path, answer }];
  });
  const headerPaths = rules.headers.map(({ path }) => samplePath(path));
  const paths = [...expected.map(({ path }) => path), ...headerPaths].map(encoded);
  const { privateAnswers } = await import("./private-nginx.ts");
  const responses = await privateAnswers(host, { project, tree, texts, paths });
  for (const [i, { path, answer }] of expected.entries()) demandAnswer(path, answer, responses[i], files);
  for (const [i, { line }] of rules.headers.entries()) {
    const wanted = headersFor(rules.headers, headerPaths[i] ?? "");
    demandHeaders(line, wanted, responses[expected.length + i], ownHeaders(project));
  }
}

/** Files of earlier releases are still sent. */
function isKept(host: Host, { slug }: Project, path: string): boolean {
  return host.stat(`${keptAssetsOf(slug)}${path}`) !== null;
}

function demandAnswer(path: string, { rule, target }: Answer, response: Response | undefined, files: SiteFiles): void {
  const isRedirect = isRedirecting(rule.status);
  const isFound = isRedirect || target === null || files.find(target) !== null;
  const status = isFound ? rule.status : "404";
  const location = response?.headers.get("location");
  const actual = [String(response?.status ?? 0), ...(location === undefined ? [] : [location])].join(" ");
  const wanted = isRedirect ? `${status} ${target}` : status;
  if (actual === wanted) return;
  const message = `${place(rule)}: nginx answers ${encoded(path)} with ${shown(actual)} in place of ${shown(wanted)}`;
  throw new Problem("not-served", message);
}

function demandHeaders(
  line: number,
  wanted: ReadonlyMap<string, string | null>,
  response: Response | undefined,
  own: ReturnType<typeof ownHeaders>,
): void {
  for (const [key, value] of wanted) {
    // Some of our own headers are sent with pages only.
    const isPage = response?.status === 200 || own.find(({ name }) => name.toLowerCase() === key)?.always !== false;
    const actual = response?.headers.get(key) ?? null;
    if (!isPage || actual === value) continue;
    const message = `${headersName}:${line}: nginx sends ${key} as ${shown(String(actual))} in place of ${shown(String(value))}`;
    throw new Problem("not-served", message);
  }
}
