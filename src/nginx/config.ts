// Parses nginx's configuration files without running nginx.

import { type HostReader, UnknownStateError } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { Problem } from "../problem/problem.ts";

export interface NginxConfig {
  /** All files of the configuration, certificates included. */
  paths: string[];
  servers: ServerBlock[];
  /** The settings of the tables of server names and of variables in the http block. */
  settings: Setting[];
  /** The includes of the http block: absolute patterns, with the file that contains them. */
  includes: { path: string; pattern: string }[];
}

/** A directive with one value in the block `http`. */
export interface Setting {
  path: string;
  line: number;
  name: string;
  value: string;
}

export interface ServerBlock {
  path: string;
  line: number;
  names: string[];
  listens: Listen[];
  /** The directories that it serves files from, as written. */
  roots: string[];
  /** Whether the server belongs to `stream`, where servers have no names. */
  stream: boolean;
}

/** A listen directive over TCP. */
export interface Listen {
  path: string;
  line: number;
  /** The directive as written. */
  text: string;
  /** "80" or "[::]:80", for any address of the family. */
  socket: string;
  /** Whether it listens on every address of the family. */
  wildcard: boolean;
  isDefault: boolean;
  /** Whether an IPv6 socket accepts IPv4 as well. */
  both: boolean;
}

const confDir = "/etc/nginx";
const files = /^ssl_(certificate|certificate_key|trusted_certificate|client_certificate|dhparam|password_file)$/;
const settingNames = /^(?:server_names|variables)_hash_(?:bucket|max)_size$/;
const wildcards = ["*", "0.0.0.0", "[::]", "[::0]"];

/** nginx keeps each file of an include chain open, so its own limit is not much higher. */
const maxIncluded = 100;
/** The maximum number of reads, counting each repeated include: nested includes can double with every file. */
const maxReads = 10_000;

/** The position of an include: the files that lead to it, the enclosing blocks, and the server that it belongs to. */
interface Place {
  trail: readonly string[];
  blocks: readonly string[];
  server: ServerBlock | undefined;
}

/** Returns the parsed configuration. Throws a Problem if files include each other too deeply or too often. */
export function nginxConfig(reader: HostReader): NginxConfig {
  let reads = 0;
  const paths = new Set<string>();
  const servers: ServerBlock[] = [];
  const settings: Setting[] = [];
  const includes: NginxConfig["includes"] = [];
  read(`${confDir}/nginx.conf`, { trail: [], blocks: [], server: undefined });
  return { paths: [...paths], servers, settings, includes };

  function read(path: string, place: Place): void {
    if (place.trail.includes(path)) return;
    reads += 1;
    if (place.trail.length >= maxIncluded) throw endless(path, `is included through more than ${maxIncluded} files`);
    if (reads > maxReads) throw endless(path, `is one of more than ${maxReads} files that nginx.conf includes`);
    paths.add(path);
    const text = writtenValue(reader, path);
    // A long table of types contains nothing that is parsed here, so it is skipped.
    if (!/include|server|listen|ssl_|root|alias|variables_hash/.test(text)) return;
    const trail = [...place.trail, path];
    const blocks = [...place.blocks];
    let { server } = place;
    for (const { words, line, end } of directives(text)) {
      const [name = "", value = ""] = words;
      if (end === "{") {
        if (name === "server") {
          server = { path, line, names: [], listens: [], roots: [], stream: blocks.includes("stream") };
          servers.push(server);
        }
        blocks.push(name);
      } else if (end === "}") {
        if (blocks.pop() !== "server" || server === undefined) continue;
        // nginx listens there if a server has no listen directive.
        if (server.listens.length === 0) server.listens.push(...listen(["listen", "*:80"], server.path, server.line));
        server = undefined;
      } else if (name === "include") {
        if (blocks.at(-1) === "http") includes.push({ path, pattern: absolute(value).replace(/\/(?:\.?\/)+/g, "/") });
        for (const each of expand(reader, value)) read(each, { trail, blocks, server });
      } else if (settingNames.test(name) && blocks.join() === "http") settings.push({ path, line, name, value });
      else if (name === "server_name") server?.names.push(...words.slice(1));
      else if (name === "root" || name === "alias") server?.roots.push(value);
      else if (name === "listen") server?.listens.push(...listen(words, path, line));
      else if (files.test(name) && !/[$:]/.test(value)) paths.add(absolute(value));
    }
  }
}

/**
 * Returns the text of a file, or "" if it cannot be read: nginx cannot read it either, and the other files still count.
 * Throws UnknownStateError if only root can read it.
 */
function writtenValue(reader: HostReader, path: string): string {
  try {
    return textOf(reader, path) ?? "";
  } catch (error) {
    if (error instanceof UnknownStateError) throw error;
    return "";
  }
}

function endless(path: string, why: string): Problem {
  return new Problem("invalid-config", `${path} ${why}`, { hint: ["grep", "-rn", "include", confDir] });
}

/** Returns the parsed directive in an array, or [] if it is no TCP socket. */
function listen(words: readonly string[], path: string, line: number): Listen[] {
  const found = /^(?:(\[[^\]]*\]|[^:]*):)?(\d+)$|^(\[[^\]]*\]|[^:]+)$/.exec(words[1] ?? "");
  if (found === null || words.includes("quic")) return [];
  const [, before, port = "80", alone] = found;
  const address = before ?? alone ?? "*";
  const v6 = address.startsWith("[");
  return [
    {
      path,
      line,
      text: words.join(" "),
      socket: v6 ? `[::]:${port}` : port,
      wildcard: wildcards.includes(address),
      isDefault: words.includes("default_server") || words.includes("default"),
      both: v6 && words.includes("ipv6only=off"),
    },
  ];
}

function absolute(path: string): string {
  return path.startsWith("/") ? path : `${confDir}/${path}`;
}

/** Expands a pattern like glob(3). A path without wildcards is returned even if it does not exist. */
function expand(reader: HostReader, pattern: string): string[] {
  const [, ...segments] = absolute(pattern).split("/");
  return segments.reduce<string[]>(
    (found, segment) => {
      if (!/[*?[]/.test(segment)) return found.map((dir) => `${dir}/${segment}`);
      const glob = new Bun.Glob(segment);
      // A wildcard does not match a leading dot.
      const matches = (name: string): boolean => glob.match(name) && (!name.startsWith(".") || segment.startsWith("."));
      return found.flatMap((dir) => (reader.list(dir || "/") ?? []).filter(matches).map((name) => `${dir}/${name}`));
    },
    [""],
  );
}

interface Directive {
  words: readonly string[];
  line: number;
  /** The token that ends it. A lone closing bracket has no words. */
  end: string;
}

/** The directives of each parsed text, because each check of a run parses most of the same files again. */
const parsed = new Map<string, readonly Directive[]>();

/** Returns the directives in order, without comments and quotes. A quote inside a word is an ordinary character. */
export function directives(text: string): readonly Directive[] {
  const known = parsed.get(text);
  if (known !== undefined) return known;
  const found: Directive[] = [];
  let words: string[] = [];
  let line = 1;
  let start = 1;
  for (const [token] of text.matchAll(/\n|#[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[;{}]|[^\s;{}"'][^\s;{}]*/g)) {
    if (token === "\n") line += 1;
    else if (token === ";" || token === "{" || token === "}") {
      if (words.length > 0 || token === "}") found.push({ words, line: words.length > 0 ? start : line, end: token });
      words = [];
    } else if (!token.startsWith("#")) {
      if (words.length === 0) start = line;
      const isQuoted = token.startsWith('"') || token.startsWith("'");
      words.push(isQuoted ? token.slice(1, -1) : token);
      // Only a quoted word contains line breaks.
      if (isQuoted) line += token.split("\n").length - 1;
    }
  }
  parsed.set(text, found);
  return found;
}
