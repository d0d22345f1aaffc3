// Reads apt's sources according to sources.list(5): one-line entries and deb822 paragraphs. Does not validate them.

import type { HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";

export interface AptSource {
  /** The file that contains it. */
  path: string;
  uri: string;
  suite: string;
  /** apt's own display name: "http://deb.debian.org/debian bookworm". */
  title: string;
  /** The path prefix of its lists, before `InRelease` or `Release`. */
  listPrefix: string;
  /** The absolute paths of its key files, or [] if it names none. */
  keyPaths: string[];
  /** A key embedded in the source, verbatim. */
  key: string | null;
}

/** Where apt keeps the package lists. */
export const listsDir = "/var/lib/apt/lists";
const partsDir = "/etc/apt/sources.list.d";

/** Returns all enabled entries of sources.list and sources.list.d. */
export function aptSources(reader: HostReader): AptSource[] {
  return sourceFiles(reader).flatMap(({ path, text }) => {
    return path.endsWith(".sources") ? paragraphs(path, text) : lines(path, text);
  });
}

function sourceFiles(reader: HostReader): { path: string; text: string }[] {
  const parts = (reader.list(partsDir) ?? []).filter((name) => /^[\w.-]+\.(list|sources)$/.test(name));
  const paths = ["/etc/apt/sources.list", ...parts.map((name) => `${partsDir}/${name}`)];
  return paths.map((path) => ({ path, text: textOf(reader, path) ?? "" }));
}

/**
 * Returns whether apt could find a fault in its sources: a line or paragraph has an unusual form, or two entries name
 * the same suite. Otherwise doctor does not run apt, which takes longer than all its checks.
 */
export function mayBeFaulty(reader: HostReader): boolean {
  const odd = sourceFiles(reader).some(({ path, text }) => {
    return path.endsWith(".sources") ? !/^\s*$/.test(text) && !hasPlainParagraphs(text) : !hasPlainLines(text);
  });
  const names = aptSources(reader).map(({ uri, suite }) => `${bareUri(uri)} ${suite}`);
  return odd || new Set(names).size < names.length;
}

function hasPlainLines(text: string): boolean {
  const entry =
    /^deb[ \t]+(?:\[[ \t]*(?:[\w-]+=[^\s\]]+[ \t]*)+\][ \t]+)?[a-z][^\s#[]+[ \t]+(?:[^\s#]+\/|[^\s#]+[ \t]+[^\s#].*)$/;
  const written = text.split("\n").map((line) => line.trim());
  return written.every((line) => line === "" || line.startsWith("#") || entry.test(line));
}

function hasPlainParagraphs(text: string): boolean {
  const kept = text.replace(/^#.*\n?/gm, "").trim();
  return kept.split(/\n(?:[ \t]*\n)+/).every((paragraph) => {
    const has = (field: string): boolean => new RegExp(`^${field}:[ \\t]*\\S`, "im").test(paragraph);
    const isPlain = paragraph.split("\n").every((line) => /^(?:[\w-]+:|[ \t])/.test(line));
    return (
      isPlain &&
      /^types:[ \t]*deb(?:[ \t]+deb-src)?[ \t]*$/im.test(paragraph) &&
      ["URIs", "Suites", "Components"].every(has)
    );
  });
}

function lines(path: string, text: string): AptSource[] {
  const entry = /^[ \t]*deb(?:-src)?[ \t]+(?:\[([^\]]*)\][ \t]+)?([^\s#]+)[ \t]+([^\s#]+)/gm;
  return [...text.matchAll(entry)].map(([, options = "", uri = "", suite = ""]) =>
    source(path, uri, suite, /(?:^|\s)signed-by=(\S+)/i.exec(options)?.[1] ?? ""),
  );
}

function paragraphs(path: string, text: string): AptSource[] {
  // A comment line is ignored completely, even between the lines of a field.
  const kept = text.replaceAll("\r", "").replace(/^#.*\n?/gm, "");
  return kept.split(/\n(?:[ \t]*\n)+/).flatMap((paragraph) => {
    const fields = new Map<string, string>();
    for (const [, name = "", value = ""] of paragraph.matchAll(/^([\w-]+):(.*(?:\n[ \t].*)*)/gm)) {
      fields.set(name.toLowerCase(), value.trim());
    }
    const words = (name: string): string[] => (fields.get(name) ?? "").split(/\s+/).filter(Boolean);
    if (/^(no|false|without|off|disable|0)$/i.test(fields.get("enabled") ?? "")) return [];
    const signedBy = fields.get("signed-by") ?? "";
    return words("uris").flatMap((uri) => words("suites").map((suite) => source(path, uri, suite, signedBy)));
  });
}

function source(path: string, uri: string, suite: string, signedBy: string): AptSource {
  const embedded = signedBy.includes("-----BEGIN PGP ");
  const below = suite === "/" ? "" : suite.endsWith("/") ? suite : `dists/${suite}/`;
  const place = `${uri.replace(/\/*$/, "/")}${below}`;
  return {
    path,
    uri,
    suite,
    title: `${uri.replace(/\/\/[^/@]*@/, "//")} ${suite}`,
    listPrefix: `${listsDir}/${listName(place)}`,
    keyPaths: embedded ? [] : signedBy.split(/[\s,]+/).filter((word) => word.startsWith("/")),
    // deb822 represents an empty line as a dot.
    key: embedded ? signedBy.replace(/^[ \t]+/gm, "").replace(/^\.$/gm, "") : null,
  };
}

/** Returns the part of a URI that apt compares: without scheme and credentials. */
export function bareUri(uri: string): string {
  return uri.replace(/^https?:\/\/(?:[^/@]*@)?/, "").replace(/\/+$/, "");
}

/**
 * Returns the list name that apt derives from a URI (URItoFileName): without scheme and password, with underscores for
 * slashes, and other special characters quoted.
 */
function listName(uri: string): string {
  const bare = uri.replace(/^[\w+.-]+:(?:\/\/(?:[^/@]*@)?)?/, "");
  const quoted = bare.replace(/[\\|{}[\]<>"^~_=!@#$%&*]|[^!-~]/gu, (character) =>
    [...new TextEncoder().encode(character)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join(""),
  );
  return quoted.replaceAll("/", "_");
}
