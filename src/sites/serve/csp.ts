// A Content-Security-Policy (CSP level 3): what a page may load, and how to extend it.

/** The directives that control each kind of load. The first one that a policy has applies. */
const directives = {
  script: ["script-src-elem", "script-src", "default-src"],
  style: ["style-src-elem", "style-src", "default-src"],
  font: ["font-src", "default-src"],
  image: ["img-src", "default-src"],
  media: ["media-src", "default-src"],
  frame: ["frame-src", "child-src", "default-src"],
  object: ["object-src", "default-src"],
  connection: ["connect-src", "default-src"],
  worker: ["worker-src", "child-src", "script-src", "default-src"],
  manifest: ["manifest-src", "default-src"],
  form: ["form-action"],
  base: ["base-uri"],
} as const;

export type Kind = keyof typeof directives;

/** A policy, with the site that sends it. */
export class Policy {
  readonly #sources = new Map<string, readonly string[]>();
  readonly #site: URL;

  constructor(text: string, site: string) {
    this.#site = new URL(site);
    for (const directive of text.split(";")) {
      const [name = "", ...sources] = directive.trim().split(/\s+/);
      // Browsers apply the first one of a repeated directive.
      if (name !== "" && !this.#sources.has(name.toLowerCase())) this.#sources.set(name.toLowerCase(), sources);
    }
  }

  /** Returns whether a page may load this. */
  allows(kind: Kind, url: URL): boolean {
    const sources = this.#sourcesOf(kind);
    if (sources === null) return true;
    return sources.some((source) => this.#matches(source, url)) || (kind === "script" && isByNonce(sources));
  }

  /** Returns whether a page may have scripts, or styles, in its own text. */
  allowsInline(kind: "script" | "style"): boolean {
    const sources = this.#sourcesOf(kind);
    return sources === null || sources.includes("'unsafe-inline'") || isByNonce(sources);
  }

  /** Returns the text of this policy with sources added, by what is loaded from them. */
  with(added: readonly (readonly [Kind, string])[]): string {
    const sources = new Map(this.#sources);
    for (const [kind, source] of added) {
      const name = directives[kind].find((each) => sources.has(each) || !each.endsWith("-elem")) ?? directives[kind][0];
      const before = (sources.get(name) ?? firstOf(kind, sources) ?? []).filter((each) => each !== "'none'");
      if (!before.includes(source)) sources.set(name, [...before, source]);
    }
    return [...sources].map(([name, all]) => [name, ...all].join(" ")).join("; ");
  }

  #sourcesOf(kind: Kind): readonly string[] | null {
    return firstOf(kind, this.#sources);
  }

  #matches(source: string, url: URL): boolean {
    const word = source.toLowerCase();
    if (word === "'self'") return url.host === this.#site.host;
    if (word.startsWith("'")) return false;
    if (word === "*") return /^(?:https?|wss?):$/.test(url.protocol);
    if (/^[a-z][a-z0-9+.-]*:$/.test(word)) return isScheme(word, url.protocol);
    const [, scheme, host = "", port, path = ""] =
      /^(?:([a-z][a-z0-9+.-]*):\/\/)?([^/:]+)(?::(\d+|\*))?(\/.*)?$/.exec(word) ?? [];
    const isHost = host.startsWith("*.") ? url.hostname.endsWith(host.slice(1)) : url.hostname === host;
    const isPort = port === "*" || (port ?? "") === url.port || (port !== undefined && port === defaultPort(url));
    const isPath =
      path === "" ||
      (path.endsWith("/") ? url.pathname.toLowerCase().startsWith(path) : url.pathname.toLowerCase() === path);
    return isHost && isPort && isPath && isScheme(`${scheme ?? this.#site.protocol.slice(0, -1)}:`, url.protocol);
  }
}

function firstOf(kind: Kind, sources: ReadonlyMap<string, readonly string[]>): readonly string[] | null {
  const name = directives[kind].find((each) => sources.has(each));
  return name === undefined ? null : (sources.get(name) ?? null);
}

/** Returns whether sources allow code by nonces or hashes. Browsers then ignore 'unsafe-inline', and perhaps hosts. */
function isByNonce(sources: readonly string[]): boolean {
  return sources.some((source) => /^'(?:nonce-|sha\d+-|strict-dynamic)/i.test(source));
}

/** A source for HTTP also allows HTTPS. */
function isScheme(allowed: string, protocol: string): boolean {
  if (allowed === protocol) return true;
  return (allowed === "http:" && protocol === "https:") || (allowed === "ws:" && protocol === "wss:");
}

function defaultPort({ protocol }: URL): string {
  return protocol === "https:" || protocol === "wss:" ? "443" : "80";
}
