// A host with real trees and a fake nginx, for commands that change a tree and its site together.

import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import type { Host } from "../../src/host/host.ts";
import { localHost } from "../../src/host/local.ts";
import type { Trees } from "../../src/host/trees.ts";
import { typed } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";
import { type FakeHost, fakeHost, ok } from "../fake-host.ts";
import { FakePrivateNginx } from "./private-nginx.ts";
import { TreeHost } from "./tree.ts";

const byPath = [
  ..."stat statTarget read readOwn map head tail openFile readLink list space".split(" "),
  ..."writeFile createFile append makeDirectory setAttributes makeLink remove".split(" "),
] as (keyof Host)[];

/** The first host after its bootstrap. Later ones are copies of it. */
let first: { fake: FakeHost; mode: number } | null = null;

/** Returns a bootstrapped host. Its curl returns the page of the site that nginx has loaded for the name. */
export class SiteHost implements Disposable {
  readonly disk = new TreeHost();
  readonly fake = fakeDebian();
  readonly host: Host;
  readonly trees: Trees = this.disk.trees;
  /** The nginx that a deploy starts to probe rules. */
  readonly rules = new FakePrivateNginx(this.fake, this.disk);
  /** The response of curl; null for the page. */
  answer: { code: number; stdout: string; stderr: string } | null = null;

  constructor() {
    const { disk, fake } = this;
    const isReal = (path: unknown): boolean => /^\/(var\/www|srv)(\/|$)/.test(String(path));
    const real = disk.host as unknown as Record<string, (...args: unknown[]) => unknown>;
    const inMemory = { ...fake } as unknown as Record<string, (...args: unknown[]) => unknown>;
    const merged: Record<string, unknown> = {};
    // The name of an open directory of this process, below which the trees are read.
    const opened = localHost() as unknown as typeof real;
    const hostOf = (path: unknown) => {
      if (String(path).startsWith("/proc/self/fd/")) return opened;
      return isReal(path) ? real : inMemory;
    };
    for (const name of byPath) merged[name] = (...args: unknown[]) => hostOf(args[0])[name]?.(...args);
    const run: Host["run"] = (argv, options) => this.rules.run(argv, options) ?? fake.run(argv, options);
    const own = { now: () => Date.now(), sleep: disk.host.sleep, run };
    this.host = Object.assign(Object.create(fake), fake, merged, own);
    fake.taught.unshift((argv) => (argv[0] === "curl" ? (this.answer ?? this.page(argv)) : undefined));
  }

  static async bootstrapped(): Promise<SiteHost> {
    const made = new SiteHost();
    mkdirSync(`${made.disk.root}/var/lib`, { recursive: true });
    if (first !== null) {
      made.disk.remove("/var/www/docs/demo");
      made.disk.mode("/var/www/docs", first.mode);
      made.fake.resume(first.fake);
      return made;
    }
    made.disk.remove("/var/www/docs");
    const { exit, err } = await made.type("bootstrap --yes");
    if (exit !== 0) throw new Error(err);
    first = { fake: fakeHost().resume(made.fake), mode: made.disk.stat("/var/www/docs").mode };
    return made;
  }

  /** `program`: the path of the executable, if it is not installed. */
  type(line: string, program?: string) {
    return typed(line, this.host, undefined, undefined, program, this.trees);
  }

  /** Returns the whole state, except for the times of directories and what the next boot removes. */
  snapshot(): Record<string, string> {
    const { fake, disk } = this;
    const all = fake.listing();
    for (const path of readdirSync(disk.root, { recursive: true, encoding: "utf8" }).sort()) {
      if (!/^(var\/www|srv)(\/|$)/.test(path)) continue;
      const full = `${disk.root}/${path}`;
      const stat = disk.stat(`/${path}`);
      const content = stat.isSymbolicLink() ? readlinkSync(full) : stat.isFile() ? readFileSync(full, "utf8") : "";
      const time = stat.isFile() ? statSync(full).mtimeMs : "";
      all[`/${path}`] = `${stat.mode.toString(8)} ${stat.uid}:${stat.gid} ${time} ${content}`;
    }
    return all;
  }

  private page(argv: readonly string[]) {
    const url = new URL(argv.at(-1) ?? "");
    const found = this.rootOf(url);
    if (found === null) return { code: 52, stdout: "", stderr: "curl: (52) Empty reply from server\n" };
    const { root, realm } = found;
    if (realm !== undefined) return ok(`HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="${realm}"\r\n\r\n`);
    if (!existsSync(`${this.disk.root}${root}/index.html`))
      return ok("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    const page = this.disk.text(`${root}/index.html`);
    return ok(`HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(page)}\r\n\r\n${page}`);
  }

  /**
   * Returns the directory of the front page that nginx serves at an address, from the text of the sites, and the realm
   * of its password.
   */
  private rootOf({ hostname, pathname }: URL): { root: string; realm: string | undefined } | null {
    const servers = (this.fake.list("/etc/nginx/sites-enabled") ?? []).flatMap((name) =>
      (this.fake.text(`/etc/nginx/sites-available/${name}`) ?? "").split(/^server /m),
    );
    for (const server of servers) {
      const names = / server_name ([^;]+);/.exec(server)?.[1]?.split(" ") ?? [];
      const isPreview = names.some((name) => name.startsWith("~") && new RegExp(name.slice(1)).test(hostname));
      if (!isPreview && !names.includes(hostname)) continue;
      // The root of challenges is within a location.
      const written = /^ {4}root (.+);$/m.exec(server)?.[1];
      if (written === undefined) continue;
      const versions = /^ {8}set \$edox_ops_tree (.+);$/m.exec(server)?.[1];
      const version = `${versions}/${pathname.split("/")[1] || "."}`;
      if (versions !== undefined && version !== `${versions}/.` && existsSync(this.disk.root + version)) {
        return { root: version, realm: undefined };
      }
      const root = /^ {4}set \$edox_ops_tree (.+);$/m.exec(server)?.[1] ?? written;
      const preview = /^(\/-\/[a-z0-9-]+)\//.exec(pathname)?.[1];
      /** The values of a variable for the site and for a preview with a path. */
      const variable = (text: string): string => {
        const values = [...server.matchAll(/set (\$\w+) "?([^";]+)"?;/g)].filter(([, name]) => name === text);
        return values.at(preview === undefined ? 0 : -1)?.[2] ?? text;
      };
      const realm = variable(/^ {4}auth_basic "?([^";]+)"?;$/m.exec(server)?.[1] ?? "off");
      const found = root === "$edox_ops_root" ? `${variable(root)}${preview ?? ""}` : root;
      return {
        root: found.replace("$edox_ops_preview", hostname.split(".")[0] ?? ""),
        realm: realm === "off" ? undefined : realm,
      };
    }
    return null;
  }

  [Symbol.dispose](): void {
    this.disk[Symbol.dispose]();
  }
}
