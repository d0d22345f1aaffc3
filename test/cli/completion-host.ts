// A host with projects, backups, runners and certificates to complete.

import type { Trees } from "../../src/host/trees.ts";
import { putLineage } from "../certs/lineage-files.ts";
import { fakeDebian } from "../fake-debian.ts";
import type { FakeHost } from "../fake-host.ts";
import { typedWords } from "./typed.ts";

/** A name that does harm if a shell evaluates it. */
export const hostile = "it's $(touch canary) `touch canary` ; touch canary";

const record = (slug: string) => ({
  ...{ slug, domain: `${slug}.test`, root_path: `/var/www/docs/${slug}`, source_path: null, branch: "main" },
  ...{ owner_group: "www-data", enabled: true, tls: false },
});
const backups: Record<string, string[]> = {
  docs: ["20261201T000000Z", "20270114T080000Z", "20270115T070000Z"],
  wiki: ["20270110T080000Z"],
};

/** The clock of the host begins at 2027-01-15 08:00 UTC. */
export function completionHost(uid = 0): FakeHost {
  const host = fakeDebian({ uid });
  for (const dir of ["/etc/edox-ops", "/etc/gitlab-runner", "/var/www/docs"]) host.dir(dir);
  const records = { wiki: record("wiki"), docs: record("docs"), old: {}, "-x": {}, [hostile]: {} };
  host.put("/etc/edox-ops/projects.json", JSON.stringify(records), { mode: 0o600 });
  for (const [slug, names] of Object.entries(backups)) {
    for (const name of names) host.dir(`/var/www/docs/.edox-ops-backups/${slug}/${name}`);
  }
  const runner = (name: string): string =>
    `[[runners]]\nname = ${JSON.stringify(name)}\nurl = "https://gitlab.test"\nexecutor = "docker"\n`;
  host.put("/etc/gitlab-runner/config.toml", ["edox-ops CI runner", "arm:64", hostile].map(runner).join(""));
  for (const name of ["docs.test", "wiki.test"]) putLineage(host, { name });
  return host;
}

/** The trees of the backups: one file in each, of 2 MiB. */
export const backupTrees = {
  *walk(path: string) {
    yield { path: "index.html", type: "file", size: path.length > 0 ? 2 * 1024 * 1024 : 0 };
  },
} as unknown as Trees;

/** Returns what the program answers to a completion script. */
export function answerTo(words: readonly string[], host: FakeHost = completionHost(), trees: Trees = backupTrees) {
  return typedWords(["__complete", ...words], host, undefined, undefined, undefined, trees);
}
