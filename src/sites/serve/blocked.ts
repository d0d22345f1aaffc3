// Finds foreign origins that the changed pages of a site load from although its content policy blocks them.

import { batchesOf, filesABatch, pipeline } from "../../host/pipeline.ts";
import type { CopySearch, Search, SearchResult, Trees } from "../../host/trees.ts";
import { type DeployRequest, noInode, type Plan } from "../deploy/plan.ts";
import { urlOf } from "./answer.ts";
import { type BlockedAddress, blockedList, lineThatAllows, notWhole } from "./blocked-notes.ts";
import { type Kind, Policy } from "./csp.ts";
import { inlineKind, type Load, loadsOfPage, loadsOfStyle, pageSearch, styleSearch } from "./page-loads.ts";
import { policyOf } from "./site-headers.ts";

const pageName = /\.x?html?$/i;
const styleName = /\.css$/i;
/**
 * `bytes` is per file: a page declares what it loads within its first megabytes. `matches` is per batch: more would
 * repeat the same.
 */
const limits = { bytes: 4 * 2 ** 20, matches: 200 };
/** The search stops after this time, because it only produces warnings. */
const mostMs = 10_000;
/** Remembered parts per kind of file. Each has some kilobytes. */
const mostKnown = 2000;
const mostOrigins = 50;

/** The search for one kind of file and its results. */
interface BlockedKind {
  name: RegExp;
  search: Search;
  loadsOf: (part: string) => Load[];
  known: Set<string>;
  origins: Map<string, BlockedAddress>;
}

/** Returns warnings: the blocked origins and a command that allows them. Reads every new and changed page. */
export async function blockedNotes(trees: Trees, request: DeployRequest, planned: Plan): Promise<string[]> {
  // A release was searched when it was deployed.
  if (request.of === "release") return [];
  const search = new BlockedSearch(request);
  await search.read(planned, trees);
  return search.notes();
}

/**
 * Searches the new and changed pages and style sheets of a deploy. It reads them, or uses the matches that a copy of
 * them found.
 */
export class BlockedSearch {
  readonly #request: DeployRequest;
  readonly #site: URL;
  readonly #policy: Policy;
  /** The search of the pages and that of the style sheets. */
  readonly #sought: readonly [BlockedKind, BlockedKind];
  #spentMs = 0;
  #isWhole = true;

  constructor(request: DeployRequest) {
    this.#request = request;
    this.#site = new URL(urlOf(request.project));
    this.#policy = new Policy(policyOf(request.project), this.#site.href);
    const pages = pageSearch(!this.#policy.allowsInline("script") || !this.#policy.allowsInline("style"));
    const hitsOf = (): Pick<BlockedKind, "known" | "origins"> => ({ known: new Set(), origins: new Map() });
    this.#sought = [
      { name: pageName, search: pages, loadsOf: loadsOfPage, ...hitsOf() },
      { name: styleName, search: styleSearch, loadsOf: loadsOfStyle, ...hitsOf() },
    ];
  }

  /** Returns the index of the search in {@link searches} for a new or changed file; -1 for none. */
  indexFor(path: string): number {
    return this.#sought.findIndex(({ name }) => name.test(path));
  }

  /** Returns the searches that a copy of the files performs; undefined once a limit is reached. */
  get searches(): CopySearch | undefined {
    if (this.#isOver(0)) return undefined;
    return { searches: this.#sought.map(({ search }) => search), limits: this.#limits };
  }

  get #limits() {
    return { ...limits, milliseconds: Math.max(0, mostMs - this.#spentMs) };
  }

  #isOver(index: number): boolean {
    return this.#spentMs >= mostMs || (this.#sought[index]?.origins.size ?? 0) >= mostOrigins;
  }

  /** Adds the matches of a search. `pathOf` returns the path of a file by its index. */
  take({ found, milliseconds }: SearchResult, pathOf: (file: number) => string): void {
    for (const { file, text } of found) {
      const path = pathOf(file);
      const sought = this.#sought[this.indexFor(path)];
      if (sought !== undefined) this.#take(text, path, sought);
    }
    this.#spentMs += milliseconds;
    if (this.#isOver(0) || this.#isOver(1)) this.#isWhole = false;
  }

  /** Reads the new and changed files of a plan, pages first. */
  async read(planned: Plan, trees: Trees): Promise<void> {
    for (const [index, { name, search }] of this.#sought.entries()) {
      const begin = (batch: string[]): Promise<SearchResult> =>
        trees.search(
          batch.map((path) => `${this.#request.dir}/${path}`),
          search,
          this.#limits,
        );
      for await (const [batch, searched] of pipeline(batchesOf(changedFiles(planned, name), filesABatch), begin)) {
        this.take(searched, (file) => batch[file] ?? "");
        if (this.#isOver(index)) return;
      }
    }
  }

  #take(part: string, page: string, { known, origins, loadsOf }: BlockedKind): void {
    // Most pages load the same files.
    if (known.has(part)) return;
    if (known.size < mostKnown) known.add(part);
    const inline = inlineKind(part);
    if (inline !== null && !this.#policy.allowsInline(inline)) {
      block({ origins, origin: `inline ${inline}s`, kind: inline, page, added: [[inline, "'unsafe-inline'"]] });
    }
    for (const { kind, address } of loadsOf(part)) {
      const url = this.#foreign(address);
      if (url === null || this.#policy.allows(kind, url)) continue;
      const origin = `${url.protocol}//${url.host}`;
      const all: [Kind, string][] = [[kind, origin], ...companions(kind, origin)];
      const added = all.filter(([also, from]) => !this.#policy.allows(also, new URL(from)));
      block({ origins, origin, kind, page, added });
    }
  }

  /** Returns the URL of an address whose host is foreign and can be named in a policy, otherwise null. */
  #foreign(address: string): URL | null {
    if (!/^(?:(?:https?|wss?):)?\/\//i.test(address)) return null;
    const url = URL.parse(Buffer.from(address, "latin1").toString(), this.#site.href);
    return url !== null && url.host !== this.#site.host && /^[a-z0-9.-]+(?::\d+)?$/.test(url.host) ? url : null;
  }

  /** Returns the warnings. */
  notes(): string[] {
    const origins = [...this.#origins()];
    const { project, hint = (argv: readonly string[]) => argv } = this.#request;
    const update = hint(["sudo", "edox-ops", "project", "update", project.slug, "--csp"]);
    const notes = origins.length === 0 ? [] : [blockedList(origins), lineThatAllows(origins, this.#policy, update)];
    if (!this.#isWhole || origins.length >= mostOrigins) notes.push(notWhole);
    return notes;
  }

  /** Origins of pages come first, independent of the order in which the files were read. */
  #origins(): Map<string, BlockedAddress> {
    const [pages, styles] = this.#sought;
    if (pages.origins.size >= mostOrigins) return pages.origins;
    const all = new Map(pages.origins);
    for (const [origin, { kinds, page }] of styles.origins) {
      for (const [kind, added] of kinds) block({ origins: all, origin, kind, page, added });
    }
    return all;
  }
}

function block({
  origins,
  origin,
  kind,
  page,
  added,
}: {
  origins: Map<string, BlockedAddress>;
  origin: string;
  kind: string;
  page: string;
  added: [Kind, string][];
}): void {
  const found = origins.get(origin);
  if (found !== undefined && !found.kinds.has(kind)) found.kinds.set(kind, added);
  else if (found === undefined && origins.size < mostOrigins)
    origins.set(origin, { kinds: new Map([[kind, added]]), page });
}

/** Yields the new and changed files of a plan whose names match, in the order of the source. */
function* changedFiles({ source, inodes }: Plan, name: RegExp): Generator<string> {
  let file = 0;
  for (const batch of source.entries.batches()) {
    for (const { path, type } of batch)
      if (type === "file" && inodes[file++] === noInode && name.test(path)) yield path;
  }
}

/** Returns what a foreign script or style usually loads in turn: fonts from the same origin, or from a known one. */
function companions(kind: Kind, origin: string): [Kind, string][] {
  if (kind !== "script" && kind !== "style") return [];
  return [["font", origin === "https://fonts.googleapis.com" ? "https://fonts.gstatic.com" : origin]];
}
