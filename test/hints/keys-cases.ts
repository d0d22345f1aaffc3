// States of a host with a deploy key, each with the hint that it produces.

import { typed } from "../cli/typed.ts";
import type { FakeHost } from "../fake-host.ts";
import type { Case } from "./cases.ts";

const home = "/var/lib/edox-ops/deploy";

/** Adds a deploy key, and then brings the host into the state. */
const withKey = (more: (host: FakeHost) => unknown) => async (host: FakeHost) => {
  host.put("/usr/local/bin/edox-ops", "this one", { mode: 0o755 });
  const { exit, err } = await typed("project key add demo --generate", host);
  if (exit !== 0) throw new Error(err);
  await more(host);
};

export const keysCases: Case[] = [
  {
    of: 'deploy-keys/edit.ts ["sudo", "edox-ops", "project", "key", "list"]',
    state: withKey(() => {}),
    from: "project key remove demo other",
    shows: "demo/ci",
  },
  {
    of: 'deploy-keys/checks.ts ["sudo", "edox-ops", "project", "key", "remove", useless.project, useless.name]',
    state: withKey((host) => {
      const path = "/etc/edox-ops/deploy-keys.json";
      const record = JSON.parse(host.text(path) ?? "");
      record.keys[0].expires = "2026-01-01T00:00:00Z";
      host.put(path, JSON.stringify(record), { mode: 0o600 });
    }),
    from: "deploy-keys:keys",
  },
  {
    of: 'deploy-keys/checks.ts ["sudo", "chmod", "go-w", open]',
    state: withKey((host) => host.dir("/var/lib/edox-ops", { mode: 0o775 })),
    from: "deploy-keys:modes",
  },
  {
    of: 'deploy-keys/checks.ts ["sudo", "chown", "root:root", open]',
    state: withKey((host) => host.dir(`${home}/.ssh`, { uid: 1000 })),
    from: "deploy-keys:modes",
  },
];
