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

/** Every file that nginx includes, in order. */
export function configPaths(see: HostReader): string[] {
  const found: string[] = [];
  const visit = (path: string): void => {
    if (found.includes(path)) return;
    const text = textOf(see, path);
    if (text === null) return;
    found.push(path);
    if (!text.includes("include")) return;
    for (const { words } of directives(text)) {
      if (words[0] === "include" && words[1] !== undefined) for (const each of expand(see, words[1])) visit(each);
    }
  };
  visit(mainPath);
  return found;
}

/** The listen directives that claim unknown names, for every address of a port. */
export function defaultServers(see: HostReader): DefaultServer[] {
  return configPaths(see).flatMap((path) => {
    const text = textOf(see, path) ?? "";
    if (!text.includes("default")) return [];
    return [...directives(text)].flatMap(({ words, line }) => {
      if (words[0] !== "listen" || !words.some((word) => word === "default_server" || word === "default")) return [];
      const socket = /^(?:(?:\*|0\.0\.0\.0):)?(\d+)$|^(\[::\]):(\d+)$/.exec(words[1] ?? "");
      if (socket === null) return [];
      return [{ path, line, socket: socket[1] ?? `${socket[2]}:${socket[3]}` }];
    });
  });
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
export function* directives(text: string): Generator<{ words: string[]; line: number }> {
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
