// Checks the internal links of a tree. It reads every page once, and again only to find the pages of missing anchors.

import type { Listing } from "../../host/listing.ts";
import type { TreeEntry, Trees } from "../../host/trees.ts";
import { isPage } from "./address.ts";
import { Hashes } from "./hashes.ts";
import { linksOfStyle, pageReader } from "./page-links.ts";
import { decodedName, type Reference, type References } from "./reference.ts";
import { ServedTree } from "./served-tree.ts";

/** A link without a target. Paths are those of files within the site. */
interface BrokenLink {
  page: string;
  /** The link as the page has it. */
  link: string;
  problem: "not-found" | "wrong-case" | "no-anchor" | "invalid";
  /** The address that differs only in case; null for none. */
  instead: string | null;
}

export interface LinkReport {
  /** Pages and style sheets that were read. */
  pages: number;
  /** Internal links: those of one page that are equal count once. */
  links: number;
  /** All broken links, of which the first ones are listed. */
  broken: number;
  listed: BrokenLink[];
}

export interface CheckedTree {
  dir: string;
  entries: Listing;
  /** The target of each symlink, by its path. */
  links: ReadonlyMap<string, string>;
  references: References;
  /** Whether an address has an answer other than a file of this tree, such as a redirect. */
  isRedirected(address: string): boolean;
  /** Lets pending signals arrive. */
  pause?: () => Promise<void>;
}

/** More links are only counted. */
const mostListed = 10_000;
/** A longer link is cut in the list. */
const longestListed = 500;
/** Links of one page that are remembered. */
const mostSeen = 10_000;
/** A style sheet is no longer than this, and the rest of one is not read. */
const longestStyle = 4 * 2 ** 20;
const styleName = /\.css$/i;

/** Checks all links between the files of a tree. Changes nothing and requests nothing. */
export async function checkLinks(trees: Trees, checked: CheckedTree): Promise<LinkReport> {
  const { dir, entries, references, isRedirected, pause } = checked;
  const tree = new ServedTree(entries, checked.links);
  const report: LinkReport = { pages: 0, links: 0, broken: 0, listed: [] };
  const anchors = new Hashes();
  const named = new Hashes();

  await eachFile(async (entry) => {
    report.pages += 1;
    await read(entry, {
      anchor: (name) => {
        anchors.add(`${entry.path}#${name}`);
        if (name.includes("%")) anchors.add(`${entry.path}#${decodedName(name)}`);
      },
      link: (link, reference) => {
        report.links += 1;
        const target = targetOf(reference);
        if (target === null) add(brokenLink(entry.path, link, reference));
        else if (reference.anchor !== "" && isPage(target)) named.add(`${target}#${reference.anchor}`);
      },
    });
  });
  if (!named.without(anchors)) return report;
  await eachFile((entry) =>
    read(entry, {
      anchor: () => {},
      link: (link, reference) => {
        const target = reference.anchor === "" ? null : targetOf(reference);
        if (target === null || !named.has(`${target}#${reference.anchor}`)) return;
        add({ page: entry.path, link, problem: "no-anchor", instead: null });
      },
    }),
  );
  return report;

  /** Calls `act` for each page and style sheet. The target of a symlink is a file of its own. */
  async function eachFile(act: (entry: TreeEntry) => Promise<void>): Promise<void> {
    for (const batch of entries.batches()) {
      for (const entry of batch) {
        if (entry.type !== "file" || !(isPage(entry.path) || styleName.test(entry.path))) continue;
        await pause?.();
        await act(entry);
      }
    }
  }

  async function read(
    { path }: TreeEntry,
    parts: { anchor(name: string): void; link(link: string, reference: Reference): void },
  ): Promise<void> {
    const seen = new Set<string>();
    let base: string | null = references.urlOf(path);
    const link = (text: string): void => {
      if (base === null || seen.has(text)) return;
      if (seen.size >= mostSeen) seen.clear();
      seen.add(text);
      const reference = references.resolve(text, base);
      if (reference !== null) parts.link(text, reference);
    };
    const decoder = new TextDecoder();
    if (!isPage(path)) {
      let style = "";
      for (const piece of trees.pieces(`${dir}/${path}`)) {
        style += decoder.decode(piece, { stream: true });
        if (style.length >= longestStyle) break;
      }
      for (const each of linksOfStyle(style)) link(each);
      return;
    }
    const page = pageReader({
      anchor: parts.anchor,
      base: (href) => {
        base = base && references.baseOf(href, base);
      },
      link,
    });
    for (const piece of trees.pieces(`${dir}/${path}`)) {
      page.write(decoder.decode(piece, { stream: true }));
      await pause?.();
    }
  }

  /** Returns the file that nginx sends, "" for an answer that is no file, and null for none. */
  function targetOf({ address }: Reference): string | null {
    if (address === null) return null;
    return tree.fileOf(address) ?? (isRedirected(address) ? "" : null);
  }

  function brokenLink(page: string, link: string, { address }: Reference): BrokenLink {
    if (address === null) return { page, link, problem: "invalid", instead: null };
    const instead = tree.otherCaseOf(address);
    return { page, link, problem: instead === null ? "not-found" : "wrong-case", instead };
  }

  function add(broken: BrokenLink): void {
    report.broken += 1;
    if (report.listed.length >= mostListed) return;
    report.listed.push({ ...broken, link: broken.link.slice(0, longestListed) });
  }
}
