// A host in memory. It throws on an unexpected command instead of returning an empty success.

import {
  type Attributes,
  type Host,
  type HttpResponse,
  type Output,
  type RequestOptions,
  type Signal,
  type Stat,
  UnknownStateError,
} from "../src/host/host.ts";
import { parentOf } from "../src/text/path.ts";

type Content = string | Uint8Array | (() => string);
interface Node extends Attributes {
  type: Stat["type"];
  content: Content;
  changedMs: number;
}

export type Taught = (argv: readonly string[]) => Output | undefined;

/** A server that the fake host can reach. It answers a request, or returns undefined to pass it on. */
export type Served = (method: string, url: string, options: RequestOptions) => Partial<HttpResponse> | undefined;

export interface FakeHost extends Host {
  served: Served[];
  /** Method and URL of every request. */
  asked: string[];
  nodes: Map<string, Node>;
  ran: string[];
  /** The pieces that programs were given on their stdin. */
  fed: Uint8Array[];
  taught: Taught[];
  /** The addresses of names in the DNS. Any other name has no record. */
  records: Map<string, string[]>;
  /** Paths that only root may read. */
  hidden: Set<string>;
  /** Paths whose change fails. */
  broken: Set<string>;
  /** The signal that the process has received. */
  signal: Signal | null;
  locks: Map<string, { pid: number; command: string; sinceMs: number }>;
  put(path: string, content: Content, attributes?: Partial<Attributes>): void;
  dir(path: string, attributes?: Partial<Attributes>): void;
  link(path: string, target: string): void;
  text(path: string): string | null;
  /** Returns paths with type, attributes and content, for comparison. */
  listing(below?: string): Record<string, string>;
  /** Returns the clock and everything about every path, for comparison. */
  state(): string;
  /** Copies the files, the clock and the records of another host. Files with a computed content stay its own. */
  resume(other: FakeHost): FakeHost;
}

export const ok = (stdout = ""): Output => ({ code: 0, stdout, stderr: "" });

export function fakeHost(uid = 0): FakeHost {
  const nodes = new Map<string, Node>();
  const ran: string[] = [];
  let clock = 1_800_000_000_000;
  const root = { uid: 0, gid: 0 };
  const bytesOf = (content: Content): Uint8Array => {
    const value = typeof content === "function" ? content() : content;
    return typeof value === "string" ? new TextEncoder().encode(value) : value;
  };
  const textOf = ({ content }: Node): string => Buffer.from(bytesOf(content)).toString("latin1");
  const set = (path: string, type: Node["type"], content: Content, attributes: Attributes): void => {
    nodes.set(path, { type, content, ...attributes, changedMs: clock++ });
  };
  const mustHaveParent = (path: string): void => {
    if (nodes.get(parentOf(path))?.type !== "directory") throw new Error(`ENOENT: no directory for ${path}`);
    if (host.broken.has(path)) throw new Error(`ENOSPC: no space left on device, ${path}`);
  };
  const node = (path: string): Node | undefined => {
    if (uid !== 0 && [...host.hidden].some((each) => path.startsWith(each)))
      throw new UnknownStateError(`${path} may only be read by root`);
    // Like the kernel, a trailing dot resolves a link.
    return path.endsWith("/.") ? followed(path.slice(0, -2)) : nodes.get(path);
  };
  const followed = (path: string, mostLinks = 40): Node | undefined => {
    const found = nodes.get(path);
    if (found?.type !== "link" || mostLinks === 0) return found?.type === "link" ? undefined : found;
    return followed(new URL(String(found.content), `file://${path}`).pathname, mostLinks - 1);
  };
  const statOf = (found: Node | undefined): Stat | null => {
    if (found === undefined) return null;
    const { type, mode, uid, gid, changedMs } = found;
    return { type, mode, uid, gid, size: type === "file" ? bytesOf(found.content).length : 0, changedMs };
  };
  const answer = (argv: readonly string[]): Output => {
    for (const taught of host.taught) {
      const output = taught(argv);
      if (output !== undefined) return output;
    }
    throw new Error(`the fake host has no answer for: ${argv.join(" ")}`);
  };
  const ask = async (method: string, url: string, options: RequestOptions = {}): Promise<HttpResponse> => {
    host.asked.push(`${method} ${url}`);
    const noServer = { status: 0, reason: "connection refused", headers: {}, body: new Uint8Array() };
    for (const served of host.served) {
      const answer = served(method, url, options);
      if (answer !== undefined) return { ...noServer, reason: "", ...answer };
    }
    return noServer;
  };
  const host: FakeHost = {
    served: [],
    asked: [],
    get: (url, options) => ask("GET", url, options),
    send: ask,
    async download(url, path) {
      const { status, reason, body } = await ask("GET", url);
      if (status !== 200) return status === 0 ? reason : String(status);
      host.writeFile(path, body, { mode: 0o600, ...root });
      return null;
    },
    nodes,
    ran,
    fed: [],
    taught: [],
    hidden: new Set(),
    broken: new Set(),
    locks: new Map(),
    uid,
    now: () => clock,
    async sleep(ms) {
      clock += ms;
    },
    catchSignals: () => () => host.signal,
    signal: null,
    stat: (path) => statOf(node(path)),
    statTarget: (path) => statOf(node(path) && followed(path)),
    read(path) {
      const found = node(path) && followed(path);
      return found?.type === "file" ? bytesOf(found.content) : null;
    },
    readOwn(path) {
      const found = node(path);
      for (let dir = parentOf(path); dir !== "/"; dir = parentOf(dir)) {
        const { type, uid } = nodes.get(dir) ?? {};
        if (type === "link" && uid !== 0) throw new Error(`${dir} is a link of user ${uid}`);
      }
      const bytes = found?.type === "file" ? bytesOf(found.content) : null;
      return bytes && { bytes, stat: statOf(found) as Stat };
    },
    map: (path) => host.read(path),
    openFile(path) {
      const bytes = host.read(path);
      if (bytes === null) return null;
      return {
        size: bytes.length,
        read: (offset, length) => bytes.slice(offset, offset + length),
        close: () => undefined,
      };
    },
    head: (path, bytes) => host.read(path)?.slice(0, bytes) ?? null,
    tail: (path, bytes) => host.read(path)?.slice(-bytes) ?? null,
    readLink(path) {
      const found = node(path);
      return found?.type === "link" ? String(found.content) : null;
    },
    list(path) {
      if (node(path)?.type !== "directory") return null;
      const start = path === "/" ? path : `${path}/`;
      return [...nodes.keys()]
        .filter((each) => each.startsWith(start) && each.length > start.length && !each.includes("/", start.length))
        .map((each) => each.slice(start.length))
        .sort();
    },
    space: () => ({ bytesFree: 5e10, inodes: 1e6, inodesFree: 9e5 }),
    lockHolders(path) {
      node(path);
      return [host.locks.get(path)].filter((each) => each !== undefined);
    },
    probe: async (argv) => answer(argv),
    records: new Map(),
    async resolve(name) {
      const addresses = host.records.get(name) ?? [];
      return { addresses, failure: addresses.length > 0 ? null : "no-record" };
    },
    writeFile(path, bytes, attributes) {
      mustHaveParent(path);
      set(path, "file", bytes, attributes);
    },
    createFile(path, attributes) {
      mustHaveParent(path);
      const pieces: Uint8Array[] = [];
      return {
        write: (bytes) => void pieces.push(new Uint8Array(bytes)),
        commit: () => host.writeFile(path, Buffer.concat(pieces), { uid, gid: uid, ...attributes }),
        abort: () => undefined,
      };
    },
    append(path, text, mode) {
      mustHaveParent(path);
      set(path, "file", (host.text(path) ?? "") + text, { mode: nodes.get(path)?.mode ?? mode, ...root });
    },
    makeDirectory(path, attributes) {
      mustHaveParent(path);
      if (nodes.has(path)) throw new Error(`EEXIST: ${path}`);
      set(path, "directory", "", attributes);
    },
    setAttributes(path, attributes) {
      const found = node(path);
      if (found === undefined) throw new Error(`ENOENT: ${path}`);
      Object.assign(found, attributes, { changedMs: clock++ });
    },
    makeLink(path, target) {
      mustHaveParent(path);
      set(path, "link", target, { mode: 0o777, ...root });
    },
    remove(path) {
      const hasEntries =
        node(path)?.type === "directory" && [...nodes.keys()].some((each) => each.startsWith(`${path}/`));
      if (hasEntries) throw new Error(`ENOTEMPTY: directory not empty, rmdir '${path}'`);
      if (!nodes.delete(path)) throw new Error(`ENOENT: ${path}`);
    },
    removeTemporary(path) {
      const slash = path.lastIndexOf("/") + 1;
      nodes.delete(`${path.slice(0, slash)}.${path.slice(slash)}.edox-ops-new`);
    },
    lock(path) {
      const dir = parentOf(path);
      if (!nodes.has(dir)) set(dir, "directory", "", { mode: 0o700, uid, gid: uid });
      const { type, mode = 0, uid: owner } = nodes.get(dir) ?? {};
      if (type !== "directory" || owner !== uid || (mode & 0o077) !== 0) {
        throw new Error(`${dir} is not a directory that only its owner can open (mode 0700)`);
      }
      const held = host.locks.get(path);
      if (held) return held;
      host.locks.set(path, { pid: 1, command: "edox-ops", sinceMs: clock });
      return { release: () => void host.locks.delete(path) };
    },
    async run(argv, options) {
      ran.push(argv.join(" "));
      for await (const piece of options?.input ?? []) host.fed.push(new Uint8Array(piece));
      const output = answer(argv);
      options?.onOutput?.(output.stdout);
      options?.onStatus?.("pmstatus:fake:100.0:Done with fake");
      return output;
    },
    put(path, content, attributes = {}) {
      host.dir(parentOf(path));
      set(path, "file", content, { mode: 0o644, ...root, ...attributes });
    },
    dir(path, attributes) {
      if (nodes.has(path) && attributes === undefined) return;
      if (path !== "/") host.dir(parentOf(path));
      set(path, "directory", "", { mode: 0o755, ...root, ...attributes });
    },
    link(path, target) {
      host.dir(parentOf(path));
      set(path, "link", target, { mode: 0o777, ...root });
    },
    text(path) {
      const found = nodes.get(path);
      return found?.type === "file" ? new TextDecoder().decode(bytesOf(found.content)) : null;
    },
    listing: (below = "/") =>
      Object.fromEntries(
        [...nodes]
          .filter(([path]) => path.startsWith(below) && !path.startsWith("/proc/") && !path.startsWith("/run/"))
          .map(([path, { type, mode, uid, gid, content }]) => {
            const value = type === "directory" ? "" : new TextDecoder().decode(bytesOf(content));
            return [path, `${type} ${mode.toString(8)} ${uid}:${gid} ${value}`];
          })
          .sort(),
      ),
    state: () =>
      JSON.stringify([clock, uid, [...nodes].map(([path, each]) => [path, { ...each, content: textOf(each) }])]),
    resume(other) {
      const own = [...nodes].filter(([, { content }]) => typeof content === "function");
      nodes.clear();
      for (const [path, each] of own) nodes.set(path, each);
      for (const [path, each] of other.nodes) if (typeof each.content !== "function") nodes.set(path, { ...each });
      clock = other.now();
      ran.splice(0, ran.length, ...other.ran);
      host.asked.splice(0, host.asked.length, ...other.asked);
      return host;
    },
  };
  host.dir("/");
  return host;
}
