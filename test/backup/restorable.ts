// A host that was backed up, with something of each kind, and its restore.

import { fetchSnapshot, type Restorable, restorable } from "../../src/backup/fetched.ts";
import { restore } from "../../src/backup/restore.ts";
import { backUp } from "../../src/backup/run.ts";
import { chosenSnapshot, listSnapshots } from "../../src/backup/snapshots.ts";
import type { Host, Output } from "../../src/host/host.ts";
import { ok } from "../fake-host.ts";
import { project } from "../sites/tree.ts";
import type { BackupHost } from "./backup-host.ts";

export const program = "/usr/local/bin/edox-ops";
export const www = "/var/www/docs";

export const runners = `[[runners]]
name = "ci"
url = "https://gitlab.test"
token = "glrt-1"
executor = "shell"
tls-ca-file = "/root/gitlab-ca.pem"
tls-cert-file = "/root/../etc/shadow"
`;

/** Backs the host up, and returns a function that restores it. */
export async function backedUp(
  made: BackupHost,
  answer: (words: string) => Output = () => ok('{"outcome":"changed"}'),
) {
  const { settings, access, host, trees } = made;
  await backUp(made.tools, settings, access);
  const ran: string[] = [];
  const { run } = host;
  const act: Host["run"] = async (argv, options) => {
    if (argv[0] !== program) return run(argv, options);
    ran.push(argv.slice(1).join(" "));
    return answer(argv.slice(1).join(" "));
  };
  Object.assign(host, { run: act });
  const snapshot = chosenSnapshot(await listSnapshots(host, access, "alpha"), undefined);
  const restoreAll = async (parts: readonly Restorable[] = restorable, keepsSinceMs?: number) => {
    const manifest = await fetchSnapshot(host, access, snapshot, parts);
    const tools = { host, trees, program, lockHost: async () => () => {}, stop: () => null, keepsSinceMs };
    return { manifest, restored: await restore(tools, parts, manifest) };
  };
  return { ran, restoreAll, snapshot };
}

/** Gives the host a site with a version and a preview, two certificates and a runner. */
export function withEverything(made: BackupHost): void {
  const { disk } = made;
  disk.write("/etc/edox-ops/projects.json", JSON.stringify({ demo: { ...project, enabled: true } }));
  disk.write(`${www}/.edox-ops-versions/demo/1.4/index.html`, "1.4");
  disk.write(`${www}/.edox-ops-versions/demo/latest`, "-> 1.4");
  disk.write(`${www}/.edox-ops-previews/demo/-/fix/index.html`, "fix");
  disk.write("/etc/nginx/edox-ops-password-demo", "reader:hash");
  for (const name of ["demo.test", "other.test"]) {
    disk.write(`/etc/letsencrypt/archive/${name}/cert1.pem`, `certificate of ${name}`);
    disk.write(`/etc/letsencrypt/live/${name}/cert.pem`, `-> ../../archive/${name}/cert1.pem`);
    disk.write(`/etc/letsencrypt/renewal/${name}.conf`, "version = 2");
  }
  disk.write("/etc/letsencrypt/accounts/acme.test/directory/1/private_key.json", "key");
  disk.write("/etc/gitlab-runner/config.toml", runners);
  disk.write("/root/gitlab-ca.pem", "authority");
}
