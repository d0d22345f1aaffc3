// A host with sites whose commands are killed, or whose disk is full for one call.

import type { Host } from "../../src/host/host.ts";
import type { Trees } from "../../src/host/trees.ts";
import { type FakeHost, fakeHost, ok } from "../fake-host.ts";
import { SiteHost } from "./site-host.ts";

type Calls = Record<string, (...values: unknown[]) => unknown>;

/** The calls that change something. */
const hostCalls: (keyof Host)[] = [
  ...(["writeFile", "createFile", "append", "makeDirectory", "setAttributes"] as const),
  ...(["makeLink", "remove", "removeTemporary", "run"] as const),
];
const treeCalls: (keyof Trees)[] = [
  ...(["adopt", "copies", "compress", "copy", "makeDirectory", "makeLink", "share"] as const),
  ...(["setAttributes", "move", "exchange", "remove", "unpack"] as const),
];

/** "killed": the process changes nothing any more. "full": this call fails, and the process continues. */
export type Fault = "killed" | "full";

export class KilledSite implements Disposable {
  private saved: { fake: FakeHost; dir: string } | null = null;

  private constructor(private readonly site: SiteHost) {}

  /** Returns a host with these files below /srv, on which the commands have run. */
  static async up(sources: Record<string, string>, lines: readonly string[]): Promise<KilledSite> {
    const made = new KilledSite(await SiteHost.bootstrapped());
    const { fake, disk } = made.site;
    fake.put("/usr/local/bin/edox-ops", "this one", { mode: 0o755 });
    for (const [path, text] of Object.entries(sources)) disk.write(`/srv/${path}`, text);
    // curl asks for the status of all sites at once.
    fake.taught.unshift((argv) => {
      const urls = argv.filter((word) => word.startsWith("http://"));
      return argv.includes("--parallel") ? ok(urls.map((url) => `${url} 200\n`).join("")) : undefined;
    });
    for (const line of lines) {
      const { exit, err } = await made.type(line);
      if (exit !== 0) throw new Error(`${line}: ${err}`);
    }
    made.save();
    return made;
  }

  type(line: string) {
    return this.site.type(line);
  }

  /** Returns to the state of the last {@link save}. */
  reset(): void {
    if (this.saved === null) return;
    const { root } = this.site.disk;
    Bun.spawnSync(["find", root, "-mindepth", "1", "-delete"]);
    Bun.spawnSync(["cp", "-a", `${this.saved.dir}/.`, root]);
    this.site.fake.resume(this.saved.fake);
  }

  save(): void {
    const { fake, disk } = this.site;
    const dir = `${disk.root}.saved`;
    Bun.spawnSync(["rm", "-rf", dir]);
    Bun.spawnSync(["cp", "-a", disk.root, dir]);
    this.saved = { fake: fakeHost().resume(fake), dir };
  }

  /** Types a command with a fault at its n-th change. `at`: that change, or null if there are fewer. */
  async interrupt(line: string, n: number, fault: Fault) {
    const { host, trees } = this.site;
    let left = n;
    let at: string | null = null;
    const restored: (() => void)[] = [];
    for (const [calls, names] of [
      [host as unknown as Calls, hostCalls],
      [trees as unknown as Calls, treeCalls],
    ] as const) {
      for (const name of names) {
        const original = calls[name] as Calls[string];
        calls[name] = (...values) => {
          const turn = left--;
          if (turn > 0 || (turn < 0 && fault === "full")) return original.apply(calls, values);
          at ??= `${name} ${JSON.stringify(values[0])}`;
          if (fault === "killed") throw new Error("killed");
          throw Object.assign(new Error(`ENOSPC: no space left on device, ${values[0]}`), { code: "ENOSPC" });
        };
        restored.push(() => {
          calls[name] = original;
        });
      }
    }
    const ended = await this.type(line);
    for (const restore of restored) restore();
    return { ...ended, at: at as string | null };
  }

  /** Returns the state of the host without times, logs, caches and the copies of replaced files. */
  state(): Record<string, string> {
    const ignored = /\.log$|\/\.(last-stamp|digests)$|\/\.spare(\/|$)|\/replaced(\/|$)/;
    const stamps = new Map<string, string>();
    const unstamped = (text: string): string =>
      text
        .replaceAll(/\b\d{8}T\d{6}Z\b/g, (stamp) => {
          if (!stamps.has(stamp)) stamps.set(stamp, `STAMP-${stamps.size}`);
          return stamps.get(stamp) ?? "";
        })
        .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME");
    const kept = Object.entries(this.site.snapshot()).filter(([path]) => !ignored.test(path));
    return Object.fromEntries(
      kept.map(([path, text]) => [unstamped(path), unstamped(text.replace(/ \d{13}[.\d]* /, " "))]),
    );
  }

  /** Returns what doctor complains about. */
  async findings(): Promise<{ name: string; detail: string; hint?: string[] }[]> {
    const { out } = await this.type("doctor --json");
    const { findings } = JSON.parse(out);
    return findings.filter(({ status }: { status: string }) => status === "warning" || status === "error");
  }

  [Symbol.dispose](): void {
    Bun.spawnSync(["rm", "-rf", `${this.site.disk.root}.saved`]);
    this.site[Symbol.dispose]();
  }
}
