// What nginx's own files say, as far as it can be read without nginx.

import { textOf } from "../engine/facts.ts";
import type { HostReader } from "../host/host.ts";

export interface DefaultServer {
  path: string;
  line: number;
  /** In the form of a listen directive: "80", "[::]:443". */
  socket: string;
}

const mainPath = "/etc/nginx/nginx.conf";

interface Directive {
  words: string[];
  line: number;
}

/** Every file that nginx includes, in order, with what it says. */
export function configFiles(see: HostReader): Map<string, Directive[]> {
  const found = new Map<string, Directive[]>();
  const visit = (path: string): void => {
    const text = found.has(path) ? null : textOf(see, path);
    if (text === null) return;
    // A list of types is long, and says nothing of interest.
    const said = /include|default/.test(text) ? [...directives(text)] : [];
    found.set(path, said);
    for (const { words } of said) {
      if (words[0] === "include" && words[1] !== undefined) for (const each of expand(see, words[1])) visit(each);
    }
  };
  visit(mainPath);
  return found;
}

/** The listen directives that claim unknown names, for every address of a port. */
export function defaultServers(see: HostReader): DefaultServer[] {
  return [...configFiles(see)].flatMap(([path, said]) =>
    said.flatMap(({ words, line }) => {
      if (words[0] !== "listen" || !words.some((word) => word === "default_server" || word === "default")) return [];
      const socket = /^(?:(?:\*|0\.0\.0\.0):)?(\d+)$|^(\[::\]):(\d+)$/.exec(words[1] ?? "");
      if (socket === null) return [];
      return [{ path, line, socket: socket[1] ?? `${socket[2]}:${socket[3]}` }];
    }),
  );
}

function expand(see: HostReader, pattern: string): string[] {
  const path = pattern.startsWith("/") ? pattern : `/etc/nginx/${pattern}`;
  const slash = path.lastIndexOf("/");
  const last = path.slice(slash + 1);
  if (!/[*?[]/.test(last)) return [path];
  const glob = new Bun.Glob(last);
  const dir = path.slice(0, slash);
  // As in glob(3), a leading dot is only matched by a dot.
  const names = (see.list(dir) ?? []).filter((name) => glob.match(name) && !(name.startsWith(".") && last[0] !== "."));
  return names.map((name) => `${dir}/${name}`);
}

/** Words of each directive, with its line: comments are gone, quotes undone, blocks flattened. */
export function* directives(text: string): Generator<Directive> {
  let words: string[] = [];
  let line = 1;
  let start = 1;
  for (const [token] of text.matchAll(/\n|#[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[;{}]|[^\s;{}"']+/g)) {
    if (token === ";" || token === "{" || token === "}") {
      if (words.length > 0) yield { words, line: start };
      words = [];
    } else if (!token.startsWith("#") && token !== "\n") {
      if (words.length === 0) start = line;
      words.push(/^["']/.test(token) ? token.slice(1, -1) : token);
    }
    line += token.split("\n").length - 1;
  }
}
