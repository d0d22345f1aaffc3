// What apt reads from, by sources.list(5): one-line entries and deb822 paragraphs. Nothing is judged here.

import { textOf } from "../engine/facts.ts";
import type { HostReader } from "../host/host.ts";

export interface Source {
  /** The file that it stands in. */
  path: string;
  uri: string;
  suite: string;
  /** As apt names it to a person: "http://deb.debian.org/debian bookworm". */
  title: string;
  /** Where apt keeps its lists, before `InRelease` or `Release`. */
  listPrefix: string;
  /** Files of keys, absolute; [] where none is named. */
  keyPaths: string[];
  /** A key in the source itself, as it stands there. */
  key: string | null;
}

const listsDir = "/var/lib/apt/lists";
const partsDir = "/etc/apt/sources.list.d";

export function aptSources(see: HostReader): Source[] {
  return sourceFiles(see).flatMap(({ path, text }) => {
    return path.endsWith(".sources") ? paragraphs(path, text) : lines(path, text);
  });
}

function sourceFiles(see: HostReader): { path: string; text: string }[] {
  const parts = (see.list(partsDir) ?? []).filter((name) => /^[\w.-]+\.(list|sources)$/.test(name));
  const paths = ["/etc/apt/sources.list", ...parts.map((name) => `${partsDir}/${name}`)];
  return paths.map((path) => ({ path, text: textOf(see, path) ?? "" }));
}

/**
 * Tells whether apt could find a fault in its sources: a line or a paragraph is not of the usual form, or two entries
 * name the same suite. Where neither is so, apt need not be asked, which takes longer than all checks of doctor.
 */
export function mayBeFaulty(see: HostReader): boolean {
  const odd = sourceFiles(see).some(({ path, text }) => {
    return path.endsWith(".sources") ? !/^\s*$/.test(text) && !hasPlainParagraphs(text) : !hasPlainLines(text);
  });
  const names = aptSources(see).map(({ uri, suite }) => `${bareUri(uri)} ${suite}`);
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

function lines(path: string, text: string): Source[] {
  const entry = /^[ \t]*deb(?:-src)?[ \t]+(?:\[([^\]]*)\][ \t]+)?([^\s#]+)[ \t]+([^\s#]+)/gm;
  return [...text.matchAll(entry)].map(([, options = "", uri = "", suite = ""]) =>
    source(path, uri, suite, /(?:^|\s)signed-by=(\S+)/i.exec(options)?.[1] ?? ""),
  );
}

function paragraphs(path: string, text: string): Source[] {
  // A line of comment is no line at all, also between the lines of a field.
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

function source(path: string, uri: string, suite: string, signedBy: string): Source {
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
    // deb822 writes an empty line as a dot.
    key: embedded ? signedBy.replace(/^[ \t]+/gm, "").replace(/^\.$/gm, "") : null,
  };
}

/** What apt compares of two addresses: neither the scheme, nor who asks. */
export function bareUri(uri: string): string {
  return uri.replace(/^https?:\/\/(?:[^/@]*@)?/, "").replace(/\/+$/, "");
}

/** apt's own naming (URItoFileName): no scheme, no password, slashes as underscores, and what is in doubt quoted. */
function listName(uri: string): string {
  const bare = uri.replace(/^[\w+.-]+:(?:\/\/(?:[^/@]*@)?)?/, "");
  const quoted = bare.replace(/[\\|{}[\]<>"^~_=!@#$%&*]|[^!-~]/gu, (character) =>
    [...new TextEncoder().encode(character)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join(""),
  );
  return quoted.replaceAll("/", "_");
}
