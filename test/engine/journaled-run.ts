// One step with a journal, run by a process of its own, so that tests can kill it.
//   bun journaled-run.ts ROOT ACTION... [CALL]: setup, recover, state, and a run that kills itself before this call

import { lstatSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { type Change, Text } from "../../src/engine/change.ts";
import { converge } from "../../src/engine/converge.ts";
import { recover } from "../../src/engine/recover.ts";
import type { Host } from "../../src/host/host.ts";
import { localHost } from "../../src/host/local.ts";

const [root = "", ...words] = process.argv.slice(2);
const host = localHost(root);
const attributes = { mode: 0o644, uid: 0, gid: 0 };
const old = Text.of("the old content of a file that spans many pages\n".repeat(10_000));
const file = (path: string, content: string, mode = 0o644): Change => {
  return { kind: "file", path, before: null, after: Text.of(content), ...attributes, mode };
};
const copies = (from: string, to: string): string[] => ["cp", "--", `${root}/d/${from}`, `${root}/d/${to}`];

const changes: Change[] = [
  file("/d/large", "new\n"),
  { kind: "removal", path: "/d/gone", before: Text.of("") },
  { kind: "link", path: "/d/link", before: "large", after: "gone" },
  { kind: "directory", path: "/d/dir", before: { ...attributes, mode: 0o700 }, ...attributes, mode: 0o755 },
  { kind: "command", argv: copies("on", "setting"), undo: copies("off", "setting"), reason: "it is off" },
  { kind: "directory", path: "/d/made", before: null, ...attributes, mode: 0o755 },
  file("/d/made/file", "made\n", 0o600),
  file("/d/large", "newer\n"),
  { kind: "link", path: "/d/new-link", before: null, after: "large" },
];

const actions: Record<string, () => void | Promise<void>> = {
  setup() {
    rmSync(`${root}/d`, { recursive: true, force: true });
    for (const path of ["/var", "/var/lib", "/d"]) {
      if (host.stat(path) === null) host.makeDirectory(path, { ...attributes, mode: 0o755 });
    }
    host.makeDirectory("/d/dir", { ...attributes, mode: 0o700 });
    host.writeFile("/d/large", old.bytes, { ...attributes, mode: 0o600 });
    for (const name of ["gone", "on", "off", "setting"]) host.writeFile(`/d/${name}`, Text.of(name).bytes, attributes);
    host.writeFile("/d/setting", Text.of("off").bytes, attributes);
    host.makeLink("/d/link", "large");
  },
  async recover() {
    for (const { problem } of await recover(host)) if (problem) throw problem;
  },
  async run() {
    // The changes are missing once, and not when they are verified.
    const missing = [changes];
    const resource = { name: "d", title: "", check: () => missing.pop() ?? [] };
    const step = { id: "journal.test", title: "", resources: [resource], journal: true as const };
    const [result] = await converge([step], host, { act: killing(Number(words.at(-1))) });
    if (result?.problem) throw result.problem;
  },
  state() {
    console.log(JSON.stringify(state(`${root}/d`)));
  },
};

/** Returns the host whose process kills itself before this call that changes something, the first being 0. */
function killing(at: number): Host {
  let calls = 0;
  const names = ["writeFile", "append", "makeDirectory", "setAttributes", "makeLink", "remove", "run"] as const;
  const wrap = (name: (typeof names)[number]) => {
    const original = host[name] as (...values: unknown[]) => unknown;
    return (...values: unknown[]): unknown => {
      if (calls++ === at) process.kill(process.pid, "SIGKILL");
      return original(...values);
    };
  };
  return { ...host, ...Object.fromEntries(names.map((name) => [name, wrap(name)])) };
}

/** Returns type, mode, owner and content of everything below a directory, hidden files included. */
function state(dir: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of ["", ...(readdirSync(dir, { recursive: true }) as string[]).sort()]) {
    const path = `${dir}/${name}`;
    const stat = lstatSync(path);
    const content = stat.isFile() ? Bun.hash(readFileSync(path)) : stat.isSymbolicLink() ? readlinkSync(path) : "";
    found[name] = `${stat.mode.toString(8)} ${stat.uid}:${stat.gid} ${content}`;
  }
  return found;
}

for (const word of words) await actions[word]?.();
