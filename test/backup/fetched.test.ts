// What is fetched from a snapshot.

import { expect, test } from "bun:test";
import { manifestOf } from "../../src/backup/contents.ts";
import { fetchedPath, fetchSnapshot } from "../../src/backup/fetched.ts";
import { manifestPath } from "../../src/backup/paths.ts";
import { BackupHost } from "./backup-host.ts";

test("backup restore: a path with characters of a pattern is fetched, and no other one", async () => {
  using made = new BackupHost();
  const { disk, host, restic, access, settings } = made;
  const paths = ["/srv/ca[1].pem", "/srv/a*b?.pem", "/srv/back\\slash.pem", "/srv/[.pem", "/srv/ $HOME {b,c}!.pem"];
  const others = ["/srv/ca1.pem", "/srv/axbx.pem"];
  for (const path of [...paths, ...others]) disk.write(path, path);
  const manifest = { ...manifestOf(host, settings, []), runner_files: paths };
  disk.write(manifestPath, JSON.stringify(manifest));
  restic.answer(["restic", "backup", "--host", "alpha", manifestPath, ...paths, ...others]);
  const [snapshot] = restic.snapshots;
  await fetchSnapshot(host, access, { id: snapshot?.id ?? "", timeMs: 0, host: "alpha" }, ["runner"]);
  const found = (path: string) => host.stat(fetchedPath(path)) !== null;
  expect(paths.filter(found)).toEqual(paths);
  expect(others.filter(found)).toEqual([]);
});
