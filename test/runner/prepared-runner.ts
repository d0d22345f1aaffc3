// A fake CI host whose service can be stopped, upgraded and removed like a real one.

import { publicKeys } from "../../src/signature/openpgp.ts";
import { prepared, typedWords } from "../cli/typed.ts";
import { dockerKey, fakeDebian, runnerKey } from "../fake-debian.ts";
import { ok } from "../fake-host.ts";

export const active = "/run/systemd/units/invocation:gitlab-runner.service";
export const oldRunner = "Package: gitlab-runner\nStatus: install ok installed\nVersion: 1\n";

const fingerprintOf = (key: Uint8Array): string => publicKeys(key)[0]?.fingerprint ?? "";

/** The flags that trust the keys of the fake repositories. */
export const mirrors = [
  ...["--docker-apt-fingerprint", fingerprintOf(dockerKey)],
  ...["--runner-apt-fingerprint", fingerprintOf(runnerKey)],
];

const prepare = prepared(["gitlab-runner prepare-ci-host --yes", ...mirrors].join(" "));

/** Returns a prepared host whose service stops after this number of checks, or never. */
export async function preparedRunner(stopsAfter = 0) {
  const host = fakeDebian();
  const ops = (...words: string[]) => typedWords(["gitlab-runner", ...words], host);
  host.dir("/etc/edox-ops", { mode: 0o750 });
  const before = host.listing("/etc");
  await prepare(host);
  let looks = Number.POSITIVE_INFINITY;
  const { readLink } = host;
  host.readLink = (path) => {
    if (path === active && looks-- <= 0) host.nodes.delete(active);
    return readLink(path);
  };
  host.taught.unshift((argv) => {
    const line = argv.join(" ");
    if (line === "systemctl stop --no-block gitlab-runner") {
      looks = stopsAfter;
      return ok();
    }
    if (line === "systemctl start --no-block gitlab-runner") return ok();
    const status = host.text("/var/lib/dpkg/status") ?? "";
    if (line.includes("--only-upgrade")) {
      return ok(status.includes(oldRunner) ? "Inst gitlab-runner [1] (2 GitLab:main [amd64])\n" : "");
    }
    if (argv[0] === "apt-get" && argv.at(-1) === "gitlab-runner") {
      host.put("/var/lib/dpkg/status", status.replace(oldRunner, oldRunner.replace("Version: 1", "Version: 2")));
      host.link(active, "0123");
      looks = Number.POSITIVE_INFINITY;
      return ok();
    }
    if (argv[0] === "rmdir" || argv[0] === "rm") {
      const path = argv.at(-1) ?? "";
      for (const each of [...host.nodes.keys()])
        if (each === path || each.startsWith(`${path}/`)) host.nodes.delete(each);
      return ok();
    }
    if (argv[0] === "userdel") {
      host.put("/etc/passwd", "");
      return ok();
    }
    return undefined;
  });
  return { host, ops, before };
}
