// States of a host in memory that refuses a bundle, each with the hint that it produces.

import { makeBundle } from "../bundle/small.ts";
import type { FakeHost } from "../fake-host.ts";
import type { Case } from "./cases.ts";

const path = "/srv/b.tar";
const from = `bootstrap --bundle ${path} --yes`;
const later = { serial: 1_900_000_000 };

async function withBundle(host: FakeHost, made: Parameters<typeof makeBundle>[3] = {}): Promise<void> {
  await makeBundle(host, path, {}, made);
}

export const bundleCases: Case[] = [
  {
    of: 'bundle/show-hint.ts ["edox-ops", "bundle", "show", path]',
    state: (host) =>
      withBundle(host, { changes: { target: { family: "debian", codename: "trixie", architecture: "amd64" } } }),
    from,
    shows: "trixie",
  },
  {
    of: 'bundle/trust.ts ["ls", "-l", trustDir]',
    state: (host) => withBundle(host),
    from: `${from} --require-signature`,
    shows: "/etc/edox-ops/trust",
  },
  {
    of: 'bundle/trust.ts ["ls", "-l", ...keys.map((key) => key.path)]',
    async state(host) {
      await withBundle(host);
      const key =
        "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAETrZynHh7dEXhlGRxA7vAji91zaA0iEh6v5qZ18I41cn0ZCfkH+QOwwmt7A/tw2Pj5Hgsoig0qDZQn4Hs5KL1eg==\n-----END PUBLIC KEY-----\n";
      host.put("/etc/edox-ops/trust/one.pem", key, { mode: 0o644 });
    },
    from,
    shows: "/etc/edox-ops/trust/one.pem",
  },
  {
    of: 'bundle/trust.ts ["ls", "-l", path]',
    state: (host) => withBundle(host),
    from: `${from} --key /srv/key.pem`,
    shows: "No such file",
  },
  {
    of: 'bundle/trust.ts ["openssl", "pkey", "-pubin", "-in", path, "-text", "-noout"]',
    async state(host) {
      await withBundle(host);
      host.put("/srv/key.pem", "no key");
    },
    from: `${from} --key /srv/key.pem`,
    shows: "/srv/key.pem",
  },
  {
    of: 'bundle/trust.ts ["ls", "-ld", path]',
    async state(host) {
      await withBundle(host);
      host.put("/etc/edox-ops/trust/one.pem", "", { mode: 0o666 });
    },
    from,
    shows: "-rw-rw-rw-",
  },
  {
    of: 'bundle/fit.ts ["sudo", "date", "--set", timeText(earliest)]',
    state: (host) => withBundle(host, { changes: later }),
    from,
  },
];
