// Resolves the links of a page to addresses of its site.

import { namesOf, type Project } from "../project.ts";

/** An address of the site, decoded as nginx decodes it, and the anchor on its page; "" for none. */
export interface Reference {
  /** null for an address that no server accepts. */
  address: string | null;
  anchor: string;
}

const otherScheme = /^[a-z][a-z0-9+.-]*:/i;
const ownScheme = /^https?:/i;
/** Scripts read these fragments, or the browser itself does. */
const noAnchor = /^(?:$|top$|[/!?])/i;

export class References {
  readonly #names: ReadonlySet<string>;
  readonly #origin: string;

  constructor(project: Pick<Project, "domain" | "aliases">) {
    this.#names = new Set(namesOf(project).map((name) => name.toLowerCase()));
    this.#origin = `http://${project.domain}`;
  }

  /** Returns the URL of a file, which its links are relative to. */
  urlOf(path: string): string {
    return `${this.#origin}/${path.split("/").map(encodeURIComponent).join("/")}`;
  }

  /** Returns what a `<base>` of a page makes of its URL; null if relative links then lead to another site. */
  baseOf(href: string, url: string): string | null {
    const base = URL.parse(href, url);
    return base === null ? url : this.#isOwn(base) ? base.href : null;
  }

  /** Returns what a link refers to; null if that is not part of the site. */
  resolve(link: string, base: string): Reference | null {
    const text = link.trim();
    if (otherScheme.test(text) && !ownScheme.test(text)) return null;
    const url = URL.parse(text, base);
    if (url === null || !this.#isOwn(url)) return null;
    return { address: addressIn(url.pathname), anchor: anchorIn(url.hash.slice(1)) };
  }

  #isOwn({ hostname, port, protocol }: URL): boolean {
    return (protocol === "http:" || protocol === "https:") && port === "" && this.#names.has(hostname);
  }
}

function addressIn(path: string): string | null {
  try {
    const address = (path.includes("%") ? decodeURIComponent(path) : path).replace(/\/{2,}/g, "/");
    return address.includes("\0") ? null : address;
  } catch {
    return null;
  }
}

/** Returns the name of the anchor in a fragment; "" if it names none. */
function anchorIn(fragment: string): string {
  const [name = ""] = fragment.split(":~:", 1);
  return noAnchor.test(name) ? "" : decodedName(name);
}

/** Returns the text of a name in a URL; the name itself if it is no valid encoding. */
export function decodedName(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
