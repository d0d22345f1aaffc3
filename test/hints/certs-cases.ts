// States of a host in memory with certificates, each with the hint that it produces.

import { projectsPath } from "../../src/engine/paths.ts";
import { addCertbot } from "../certs/fake-certbot.ts";
import type { LineageSpec } from "../certs/lineage-files.ts";
import { logOf } from "../certs/recorded.ts";
import type { FakeHost } from "../fake-host.ts";
import type { Case } from "./cases.ts";

const log = "/var/log/letsencrypt/letsencrypt.log";
const due = { from: "2026-11-01", to: "2027-01-30" };

/** Gives the project demo this certificate. */
function certified(host: FakeHost, spec: Partial<LineageSpec> = {}): ReturnType<typeof addCertbot> {
  const certbot = addCertbot(host, [{ name: "demo.test", ...spec }]);
  host.put(projectsPath, (host.text(projectsPath) ?? "").replace('"tls": false', '"tls": true'), { mode: 0o600 });
  return certbot;
}

/** Has the CA refuse the certificate of the project demo. */
function refused(host: FakeHost): void {
  certified(host, due).refused.set("demo.test", "refused");
  host.put(log, "the CA said: no\n");
}

const busy = (host: FakeHost): void => {
  certified(host, due);
  host.locks.set("/etc/letsencrypt/.certbot.lock", { pid: process.pid, command: "certbot", sinceMs: 0 });
};

/** What ends the refusal of the CA. */
let accept = (): void => {};

export const certsCases: Case[] = [
  {
    of: 'certs/checks.ts ["sudo", "edox-ops", "project", "update", slug, "--previews", "host"]',
    state(host) {
      addCertbot(host, [{ name: "preview.demo.test", names: ["*.preview.demo.test"], authenticator: "dns-rfc2136" }]);
      const records = (host.text(projectsPath) ?? "").replace('"tls": false', '"tls": false, "previews": "host"');
      host.put(projectsPath, records, { mode: 0o600 });
    },
    from: "certs:previews",
  },
  {
    of: 'certs/checks.ts ["sudo", "edox-ops", "project", "previews", "prune"]',
    state(host) {
      addCertbot(host, [{ name: "fix-7.preview.demo.test" }]);
      const records = (host.text(projectsPath) ?? "").replace('"tls": false', '"tls": false, "previews": "host"');
      host.put(projectsPath, records, { mode: 0o600 });
    },
    from: "certs:lineages",
  },
  {
    of: 'certs/renewal/migrate.ts ["sudo", "edox-ops", "certs", "setup-auto-renew", "--yes"]',
    state(host) {
      const certbot = addCertbot(host, [{ name: "old.test", webroot: "/var/www/docs/old" }]);
      certbot.refused.set("old.test", "can't set attribute");
      accept = () => certbot.refused.clear();
      host.put(log, logOf(429, { type: "urn:ietf:params:acme:error:rateLimited", detail: "too many" }));
    },
    from: "certs setup-auto-renew --yes",
    lifts: () => accept(),
  },
  {
    of: 'certs/checks.ts ["sudo", "edox-ops", "certs", "renew", "--yes"]',
    state: (host) => void certified(host, due),
    from: "certs:expiry:demo.test",
  },
  {
    of: 'certs/certbot-log.ts ["sudo", "tail", "-n", "50", certbotLog]',
    state: refused,
    from: "certs renew --yes",
    shows: "the CA said: no",
  },
  {
    of: 'certs/certbot-run.ts ["ps", "-fp", String(holder.pid)]',
    state: busy,
    from: "certs renew --yes",
    shows: `${process.pid}`,
  },
  {
    of: 'certs/certbot-run.ts ["sudo", "edox-ops", "certs", "install", "--yes"]',
    state(host) {
      certified(host, due);
      host.remove("/usr/bin/certbot");
      host.taught.unshift((argv) => {
        if (argv[0] === "apt-get" && argv.includes("install")) host.put("/usr/bin/certbot", "");
        const isMissing = argv[0] === "certbot" && host.stat("/usr/bin/certbot") === null;
        return isMissing ? { code: 127, stdout: "", stderr: "" } : undefined;
      });
    },
    from: "certs renew --yes",
  },
  {
    of: 'certs/renewal/renew.ts ["sudo", "edox-ops", "certs", "status"]',
    state: (host) => void certified(host),
    from: "certs renew --name other.test --yes",
    shows: "certificate demo.test: ",
  },
];
