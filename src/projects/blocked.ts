// Which foreign origins the changed pages of a site load from, though its content policy blocks them.

import { batchesOf, filesABatch, pipelined } from "../host/pipeline.ts";
import type { CopySearch, Search, Searched, Trees } from "../host/trees.ts";
import { urlOf } from "./answer.ts";
import { type Blocked, lineThatAllows, listed, notWhole } from "./blocked-notes.ts";
import { type Kind, Policy } from "./csp.ts";
import { inlineKind, type Load, loadsOfPage, loadsOfStyle, pageSearch, styleSearch } from "./page-loads.ts";
import { noInode, type Order, type Plan } from "./plan.ts";
import { policyOf } from "./vhost.ts";

const pageName = /\.x?html?$/i;
const styleName = /\.css$/i;
/** Of a file: a page that loads something says so within its first megabytes. Of a batch: more say nothing new. */
const limits = { bytes: 4 * 2 ** 20, matches: 200 };
/** A search that takes longer ends: it only warns. */
const mostMs = 10_000;
/** Parts that are remembered of each kind of file, of some kilobytes each. */
const mostKnown = 2000;
const mostOrigins = 50;

/** What one kind of file is searched for, and what was found. */
interface Sought {
  name: RegExp;
  search: Search;
  loadsOf: (part: string) => Load[];
  known: Set<string>;
  origins: Map<string, Blocked>;
}

/** Returns warnings for a person: the blocked origins, and the line that allows them. Reads every changed page. */
export async function blockedNotes(order: Order, planned: Plan, trees: Trees): Promise<string[]> {
  // A release was searched when it was deployed.
  if (order.of === "release") return [];
  const search = new BlockedSearch(order);
  await search.read(planned, trees);
  return search.notes();
}

/** Searches the new and changed pages and style sheets of a deploy: by reading them, or with what a copy of them finds. */
export class BlockedSearch {
  readonly #order: Order;
  readonly #site: URL;
  readonly #policy: Policy;
  /** The pages and the style sheets. */
  readonly #sought: readonly [Sought, Sought];
  #spentMs = 0;
  #isWhole = true;

  constructor(order: Order) {
    this.#order = order;
    this.#site = new URL(urlOf(order.project));
    this.#policy = new Policy(policyOf(order.project), this.#site.href);
    const pages = pageSearch(!this.#policy.allowsInline("script") || !this.#policy.allowsInline("style"));
    const found = (): Pick<Sought, "known" | "origins"> => ({ known: new Set(), origins: new Map() });
    this.#sought = [
      { name: pageName, search: pages, loadsOf: loadsOfPage, ...found() },
      { name: styleName, search: styleSearch, loadsOf: loadsOfStyle, ...found() },
    ];
  }

  /** Returns which of the {@link searches} a new or changed file is for; -1 for none of them. */
  indexFor(path: string): number {
    return this.#sought.findIndex(({ name }) => name.test(path));
  }

  /** Returns what a copy of such files is to search for; undefined as soon as a limit is reached. */
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

  /** Adds what was found in files, whose paths `pathOf` answers. */
  take({ found, milliseconds }: Searched, pathOf: (file: number) => string): void {
    for (const { file, text } of found) {
      const path = pathOf(file);
      const sought = this.#sought[this.indexFor(path)];
      if (sought !== undefined) this.#take(text, path, sought);
    }
    this.#spentMs += milliseconds;
    if (this.#isOver(0) || this.#isOver(1)) this.#isWhole = false;
  }

  /** Reads the new and changed files of a plan, first the pages. */
  async read(planned: Plan, trees: Trees): Promise<void> {
    for (const [index, { name, search }] of this.#sought.entries()) {
      const begin = (batch: string[]): Promise<Searched> =>
        trees.search(
          batch.map((path) => `${this.#order.dir}/${path}`),
          search,
          this.#limits,
        );
      for await (const [batch, searched] of pipelined(batchesOf(changedFiles(planned, name), filesABatch), begin)) {
        this.take(searched, (file) => batch[file] ?? "");
        if (this.#isOver(index)) return;
      }
    }
  }

  #take(part: string, page: string, { known, origins, loadsOf }: Sought): void {
    // Most pages load the same.
    if (known.has(part)) return;
    if (known.size < mostKnown) known.add(part);
    const inline = inlineKind(part);
    if (inline !== null && !this.#policy.allowsInline(inline)) {
      block(origins, `inline ${inline}s`, inline, page, [[inline, "'unsafe-inline'"]]);
    }
    for (const { kind, address } of loadsOf(part)) {
      const url = this.#foreign(address);
      if (url === null || this.#policy.allows(kind, url)) continue;
      const origin = `${url.protocol}//${url.host}`;
      const all: [Kind, string][] = [[kind, origin], ...companions(kind, origin)];
      const added = all.filter(([also, from]) => !this.#policy.allows(also, new URL(from)));
      block(origins, origin, kind, page, added);
    }
  }

  /** The address, where its host is another one that can stand in a policy. */
  #foreign(address: string): URL | null {
    if (!/^(?:(?:https?|wss?):)?\/\//i.test(address)) return null;
    const url = URL.parse(Buffer.from(address, "latin1").toString(), this.#site.href);
    return url !== null && url.host !== this.#site.host && /^[a-z0-9.-]+(?::\d+)?$/.test(url.host) ? url : null;
  }

  /** Returns the warnings. */
  notes(): string[] {
    const origins = [...this.#origins()];
    const { project, hint = (argv: readonly string[]) => argv } = this.#order;
    const update = hint(["sudo", "edox-ops", "project", "update", project.slug, "--csp"]);
    const notes = origins.length === 0 ? [] : [listed(origins), lineThatAllows(origins, this.#policy, update)];
    if (!this.#isWhole || origins.length >= mostOrigins) notes.push(notWhole);
    return notes;
  }

  /** Those of pages come first, in whichever order the files were read. */
  #origins(): Map<string, Blocked> {
    const [pages, styles] = this.#sought;
    if (pages.origins.size >= mostOrigins) return pages.origins;
    const all = new Map(pages.origins);
    for (const [origin, { kinds, page }] of styles.origins) {
      for (const [kind, added] of kinds) block(all, origin, kind, page, added);
    }
    return all;
  }
}

function block(
  origins: Map<string, Blocked>,
  origin: string,
  kind: string,
  page: string,
  added: [Kind, string][],
): void {
  const found = origins.get(origin);
  if (found !== undefined && !found.kinds.has(kind)) found.kinds.set(kind, added);
  else if (found === undefined && origins.size < mostOrigins)
    origins.set(origin, { kinds: new Map([[kind, added]]), page });
}

/** The new and changed files of a plan with such a name, in the order of the source. */
function* changedFiles({ source, inodes }: Plan, name: RegExp): Generator<string> {
  let file = 0;
  for (const batch of source.entries.batches()) {
    for (const { path, type } of batch)
      if (type === "file" && inodes[file++] === noInode && name.test(path)) yield path;
  }
}

/** What a script or a style from somewhere loads in its turn: fonts that lie beside it, or at a place that is known. */
function companions(kind: Kind, origin: string): [Kind, string][] {
  if (kind !== "script" && kind !== "style") return [];
  return [["font", origin === "https://fonts.googleapis.com" ? "https://fonts.gstatic.com" : origin]];
}
