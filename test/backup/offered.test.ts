// What a dry run lists of a snapshot.

import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { offeredBy } from "../../src/backup/offered.ts";
import { project } from "../sites/tree.ts";
import { BackupHost } from "./backup-host.ts";
import { backedUp, withEverything } from "./restorable.ts";

/** Returns the names, sizes and modes of all files of the host. */
const listing = ({ disk }: BackupHost): string =>
  Bun.spawnSync(["find", disk.root, "-printf", "%p %s %m\\n"]).stdout.toString();

test.each(["0.14", "0.18"] as const)(
  "backup restore: a dry run with restic %s lists projects, certificates and runners, and changes nothing",
  async (version) => {
    using made = new BackupHost(version);
    withEverything(made);
    const { access, disk, host } = made;
    const { domain: _, ...invalid } = project;
    const record = { ...project, aliases: ["old.test"] };
    disk.write("/etc/edox-ops/projects.json", JSON.stringify({ demo: record, bad: { ...invalid, slug: "bad" } }));
    disk.write("/etc/letsencrypt/live/admin.test/fullchain.pem", "installed by an admin");
    disk.write("/etc/letsencrypt/live/README", "about the directory");
    const { ran, snapshot } = await backedUp(made);
    for (const path of ["/etc/letsencrypt", "/etc/gitlab-runner", "/etc/edox-ops/projects.json"]) disk.remove(path);
    const before = listing(made);
    const offer = await offeredBy(host, access, snapshot, ["sites", "certs", "runner"]);
    expect(offer).toEqual({
      projects: [{ slug: "demo", domain: "demo.test" }],
      certificates: ["admin.test", "demo.test", "other.test"],
      runners: ["ci"],
      warnings: ["the record of project bad in the snapshot is invalid: it is not restored"],
    });
    expect([ran, listing(made)]).toEqual([[], before]);
    expect(
      made.restic.ran.filter(([word]) => word === "ls" || word === "dump").every((args) => args.includes("--no-lock")),
    ).toBe(true);
    expect(await offeredBy(host, access, snapshot, ["certs"])).toMatchObject({
      projects: [],
      runners: [],
      warnings: [],
    });
  },
);

test("backup restore: a dry run names damaged records and runners, and lists the rest", async () => {
  using made = new BackupHost();
  withEverything(made);
  const { access, host, restic } = made;
  const { snapshot } = await backedUp(made);
  writeFileSync(`${restic.store}/${snapshot.id}/etc/edox-ops/projects.json`, "{");
  writeFileSync(`${restic.store}/${snapshot.id}/etc/gitlab-runner/config.toml`, "[[runners");
  const offer = await offeredBy(host, access, snapshot, ["sites", "certs", "runner"]);
  expect(offer).toMatchObject({ projects: [], certificates: ["demo.test", "other.test"], runners: [] });
  expect(offer.warnings).toEqual([
    "the records of projects in the snapshot are invalid: it is not JSON",
    expect.stringContaining("the runners in the snapshot are invalid: "),
  ]);
  const runners = '[[runners]]\nname = 7\n[[runners]]\nname = "ci"\n';
  writeFileSync(`${restic.store}/${snapshot.id}/etc/gitlab-runner/config.toml`, runners);
  expect(await offeredBy(host, access, snapshot, ["runner"])).toMatchObject({
    runners: ["ci"],
    warnings: ["in the snapshot, /etc/gitlab-runner/config.toml has runner 1 wrong: name is a text in quotes"],
  });
});
