// Which foreign origins the changed pages of a site load from, though its content policy blocks them.

import * as v from "valibot";
import { shellLine } from "../engine/lines.ts";
import type { HostReader } from "../host/host.ts";
import { batchesOf, filesABatch, pipelined } from "../host/pipeline.ts";
import type { Found, Trees } from "../host/trees.ts";
import { urlOf } from "./answer.ts";
import { type Kind, Policy } from "./csp.ts";
import {
  inlineKind,
  type Load,
  loadsOfPage,
  loadsOfStyle,
  pageSearch,
  type Search,
  styleSearch,
} from "./page-loads.ts";
import type { Order, Plan } from "./plan.ts";
import { csp } from "./project.ts";
import { policyOf } from "./vhost.ts";

const pageName = /\.x?html?$/i;
const styleName = /\.css$/i;
/** Of a file: a page that loads something says so within its first megabytes. Of a batch: more say nothing new. */
const limits = { bytes: 4 * 2 ** 20, matches: 200 };
/** A scan that takes longer ends: it only warns. */
const mostMs = 10_000;
/** Parts of pages that are remembered, of some kilobytes each. */
const mostKnown = 2000;
const mostOrigins = 50;
const mostListed = 10;
/** A longer line is cut where it is printed. */
const longestLine = 950;

interface Blocked {
  kinds: Set<string>;
  /** The first page that loads from there. */
  page: string;
  /** What a policy needs for it. */
  added: [Kind, string][];
}

/** Returns warnings for a person: the blocked origins, and the line that allows them. */
export async function blockedNotes(
  order: Order,
  { added, changed }: Pick<Plan, "added" | "changed">,
  see: Pick<HostReader, "now">,
  trees: Trees,
): Promise<string[]> {
  // A release was scanned when it was deployed.
  if (order.of === "release") return [];
  const all = [...added, ...changed];
  const scan = new Scan(order);
  const end = see.now() + mostMs;
  const isWhole =
    (await scan.read(
      all.filter((path) => pageName.test(path)),
      scan.pages,
      loadsOfPage,
      trees,
      () => see.now() > end,
    )) &&
    (await scan.read(
      all.filter((path) => styleName.test(path)),
      styleSearch,
      loadsOfStyle,
      trees,
      () => see.now() > end,
    ));
  const notes = scan.notes();
  if (!isWhole)
    notes.push("not every page was searched for what the content policy blocks: there are too many, or too large ones");
  return notes;
}

class Scan {
  readonly #order: Order;
  readonly #site: URL;
  readonly #policy: Policy;
  readonly #origins = new Map<string, Blocked>();
  readonly #known = new Set<string>();
  readonly pages: Search;

  constructor(order: Order) {
    this.#order = order;
    this.#site = new URL(urlOf(order.project));
    this.#policy = new Policy(policyOf(order.project), this.#site.href);
    this.pages = pageSearch(!this.#policy.allowsInline("script") || !this.#policy.allowsInline("style"));
  }

  /** Returns false where some files were not read. */
  async read(
    paths: string[],
    { parts, worth }: Search,
    loadsOf: (part: string) => Load[],
    trees: Trees,
    isLate: () => boolean,
  ): Promise<boolean> {
    const begin = (batch: string[]): Promise<Found[]> =>
      trees.search(
        batch.map((path) => `${this.#order.dir}/${path}`),
        parts,
        worth,
        limits,
      );
    for await (const [batch, found] of pipelined(batchesOf(paths, filesABatch), begin)) {
      for (const { file, text } of found) this.#take(text, batch[file] ?? "", loadsOf);
      if (isLate() || this.#origins.size >= mostOrigins) return false;
    }
    return true;
  }

  #take(part: string, page: string, loadsOf: (part: string) => Load[]): void {
    // Most pages load the same.
    if (this.#known.has(part)) return;
    if (this.#known.size < mostKnown) this.#known.add(part);
    const inline = inlineKind(part);
    if (inline !== null && !this.#policy.allowsInline(inline)) {
      this.#block(`inline ${inline}s`, inline, page, [[inline, "'unsafe-inline'"]]);
    }
    for (const { kind, address } of loadsOf(part)) {
      const url = this.#foreign(address);
      if (url === null || this.#policy.allows(kind, url)) continue;
      const origin = `${url.protocol}//${url.host}`;
      const all: [Kind, string][] = [[kind, origin], ...companions(kind, origin)];
      const added = all.filter(([also, from]) => !this.#policy.allows(also, new URL(from)));
      this.#block(origin, kind, page, added);
    }
  }

  #block(origin: string, kind: string, page: string, added: [Kind, string][]): void {
    const found = this.#origins.get(origin);
    if (found === undefined) {
      if (this.#origins.size < mostOrigins) this.#origins.set(origin, { kinds: new Set([kind]), page, added });
    } else if (!found.kinds.has(kind)) {
      found.kinds.add(kind);
      found.added.push(...added);
    }
  }

  /** The address, where its host is another one that can stand in a policy. */
  #foreign(address: string): URL | null {
    if (!/^(?:(?:https?|wss?):)?\/\//i.test(address)) return null;
    const url = URL.parse(Buffer.from(address, "latin1").toString(), this.#site.href);
    return url !== null && url.host !== this.#site.host && /^[a-z0-9.-]+(?::\d+)?$/.test(url.host) ? url : null;
  }

  notes(): string[] {
    if (this.#origins.size === 0) return [];
    const origins = [...this.#origins].map(
      ([origin, { kinds, page }]) => `${origin} (${[...kinds].join(", ")} of ${page})`,
    );
    const more = origins.length - mostListed;
    const listed = origins.slice(0, mostListed).join(", ") + (more > 0 ? ` and ${more} more` : "");
    return [`the content policy blocks ${listed}`, this.#allowing()];
  }

  /** A sentence with the line to type, for as many origins as fit into one. */
  #allowing(): string {
    const all = [...this.#origins.values()];
    for (let count = all.length; count > 0; count--) {
      const policy = this.#policy.with(all.slice(0, count).flatMap(({ added }) => added));
      const line = `sudo edox-ops project update ${this.#order.project.slug} --csp ${quoted(policy)}`;
      if (line.length > longestLine || !v.is(csp, policy)) continue;
      const what = count < all.length ? `the first ${count} of them` : "all of that";
      return `to allow ${what}, if you trust it: ${line}`;
    }
    return "no policy that allows them is short enough: serve these files from the site itself";
  }
}

/** Double quotes, since a policy is full of single ones. */
function quoted(policy: string): string {
  return /[`!]/.test(policy) ? shellLine([policy]) : `"${policy}"`;
}

/** What a script or a style from somewhere loads in its turn: fonts that lie beside it, or at a place that is known. */
function companions(kind: Kind, origin: string): [Kind, string][] {
  if (kind !== "script" && kind !== "style") return [];
  return [["font", origin === "https://fonts.googleapis.com" ? "https://fonts.gstatic.com" : origin]];
}
