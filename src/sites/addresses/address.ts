// The addresses of the files of a site.

import { hasHiddenName, isLeftover } from "../serve/unserved.ts";

const pageName = /\.x?html?$/i;
/**
 * Files that readers bookmark and other sites link to. Styles, scripts, images and the data of a search belong to pages,
 * and a generator names them anew with each version.
 */
const documentName =
  /\.(?:pdf|epub|mobi|ps|docx?|xlsx?|pptx?|od[tsp]|rtf|txt|md|csv|tsv|xml|rss|atom|ics|ya?ml|zip|tgz|tar(?:\.\w+)?|7z|dmg|exe|msi|deb|rpm|apk|jar|whl|iso|mp[34]|webm|ogg)$/i;
/** Sphinx copies the source of each page here. */
const copies = /(?:^|\/)_sources\//;

/** Returns whether a file is a page, by its name. */
export function isPage(path: string): boolean {
  return pageName.test(path);
}

/**
 * Returns the address by which readers know a file: `/a` for a.html, `/a/` for a/index.html; null for a file that nginx
 * does not serve, and for one that only belongs to pages.
 */
export function addressOf(path: string): string | null {
  const isAddressed = isPage(path) ? path !== "404.html" : documentName.test(path) && !copies.test(path);
  if (!isAddressed || hasHiddenName(path) || isLeftover(path)) return null;
  return `/${path}`.replace(/\/index\.html$/, "/").replace(/\.html$/, "");
}

/**
 * Returns the addresses that count as one with that of a file: `/a`, `/a/`, `/a.html` and `/a/index.html`, the shortest
 * first. A document has one.
 */
export function formsOf(path: string): string[] {
  if (!path.endsWith(".html")) return [`/${path}`];
  const plain = `/${path.slice(0, -".html".length)}`.replace(/\/index$/, "");
  return plain === "" ? ["/", "/index.html"] : [plain, `${plain}/`, `${plain}.html`, `${plain}/index.html`];
}

/** Returns the address as a URL writes it, so that it is one word. */
export function written(address: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: no URL has them
  return address.replace(/[\s%?#"<>\\^`{|}\u0000-\u001f\u007f]/g, encodeURIComponent);
}
