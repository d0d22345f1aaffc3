// A bootstrapped host with a repository, for the commands of backups as they are typed.

import { afterEach } from "bun:test";
import { mkdirSync } from "node:fs";
import * as v from "valibot";
import { copyDir, manifestPath, restoredDir } from "../../src/backup/paths.ts";
import { projectsPath } from "../../src/engine/paths.ts";
import { documentSchema } from "../../src/report/schema.ts";
import { type FakeHost, ok } from "../fake-host.ts";
import { SiteHost } from "../sites/site-host.ts";
import { project } from "../sites/tree.ts";
import { FakeRestic } from "./fake-restic.ts";

export const init = "backup init --repo /mnt/repo --generate --yes";

const made: Disposable[] = [];
afterEach(() => {
  for (const each of made.splice(0)) each[Symbol.dispose]();
});

/** Returns a host on which these command lines have succeeded. */
export async function commandHost(...lines: string[]) {
  const site = await SiteHost.bootstrapped();
  const restic = new FakeRestic(site.disk.root);
  made.push(site, restic);
  mkdirSync(`${site.disk.root}/var/lib/edox-ops/backup`, { recursive: true });
  site.fake.put("/proc/self/mounts", "/dev/sda1 / ext4 rw 0 0\n/dev/sdb1 /mnt ext4 rw 0 0\n");
  site.fake.put("/usr/local/bin/edox-ops", "this one", { mode: 0o755 });
  site.fake.put("/proc/sys/kernel/hostname", "alpha\n");
  site.fake.taught.unshift((argv) => (argv[1] === "doctor" ? ok("{}") : restic.answer(argv)));
  for (const line of lines) {
    const { exit, err } = await site.type(line);
    if (exit !== 0) throw new Error(`${line}: ${err}`);
  }
  const json = async (line: string) => v.parse(documentSchema, JSON.parse((await site.type(`${line} --json`)).out));
  return { ...{ site, restic, json }, fake: site.fake, type: (line: string) => site.type(line) };
}

/** Puts these projects where restic restores them: the memory of this host is no part of the repository. */
export function fetch(fake: FakeHost, slugs: readonly string[], damaged: Record<string, unknown> = {}): void {
  fake.put(`${restoredDir}${manifestPath}`, fake.text(manifestPath) ?? "");
  const recordOf = (slug: string) => {
    fake.dir(`${restoredDir}${copyDir}/${slug}/site`);
    return { ...project, slug, domain: `${slug}.test`, root_path: `/var/www/docs/${slug}`, enabled: true };
  };
  const records = Object.fromEntries(slugs.map((slug) => [slug, recordOf(slug)]));
  fake.put(`${restoredDir}${projectsPath}`, JSON.stringify({ ...records, ...damaged }));
}
