// Hints that only users other than root get.

import { type HostReader, UnknownStateError } from "../../src/host/host.ts";
import type { FakeHost } from "../fake-host.ts";

export interface UserCase {
  of: string;
  /** Brings the host into the state, and returns the path that only root may read. */
  state?: (host: FakeHost) => string;
  from: string;
  /** The command that prints the hint. */
  says: RegExp;
  /** Output that root gets. */
  shows: string;
}

const tree = () => "/var/www/docs/demo";
const site = "/etc/nginx/sites-available/edox-ops-demo";

export const userCases: UserCase[] = [
  {
    of: 'cli/certs/status.ts ["sudo", "edox-ops", "certs", "status"]',
    from: "certs status",
    says: /only root may read the certificates \(run: sudo edox-ops certs status\)/,
    shows: "timer_active: True",
  },
  {
    of: 'engine/finding.ts ["sudo", "edox-ops", "doctor"]',
    state: tree,
    from: "doctor",
    says: /could not be checked \(run: sudo edox-ops doctor\)/,
    shows: "[OK] project:demo",
  },
  {
    of: 'engine/finding.ts ["sudo", "edox-ops", "doctor"]',
    state: tree,
    from: "doctor",
    says: /project:demo: .* \(run: sudo edox-ops doctor\)/,
    shows: "[OK] project:demo",
  },
  {
    of: 'engine/finding.ts ["sudo", "edox-ops", "doctor"]',
    state: () => "/etc/edox-ops/projects.json",
    from: "doctor",
    says: /projects:managed: .* \(run: sudo edox-ops doctor\)/,
    shows: "[OK] project:demo",
  },
  {
    of: 'cli/nginx-status.ts ["sudo", "edox-ops", "nginx", "status"]',
    state(host) {
      host.put(site, host.text(site) ?? "");
      return "/none";
    },
    from: "nginx status",
    says: /config_check: .* \(run: sudo edox-ops nginx status\)/,
    shows: "config_valid: True",
  },
  {
    of: 'cli/project/validate.ts ["sudo", "edox-ops", "project", "validate", slug]',
    state: tree,
    from: "project validate demo",
    says: /could not be checked \(run: sudo edox-ops project validate demo\)/,
    shows: "validation passed",
  },
  {
    of: 'sites/health.ts ("validate", slug)',
    state: tree,
    from: "project validate demo",
    says: /WARN: .* \(run: sudo edox-ops project validate demo\)/,
    shows: "validation passed",
  },
  {
    of: 'cli/cli.ts ["sudo", "edox-ops", ...typed]',
    state: () => "/etc/edox-ops/projects.json",
    from: "project show demo",
    says: /hint: sudo edox-ops project show demo/,
    shows: "demo.test",
  },
  {
    of: 'run/session.ts ["sudo", "edox-ops", ...typed]',
    from: "project disable demo",
    says: /hint: sudo edox-ops project disable demo/,
    shows: "demo",
  },
  {
    of: 'cli/gitlab-runner/status.ts ["sudo", "edox-ops", "gitlab-runner", "status"]',
    from: "gitlab-runner status",
    says: /only root may read them \(run: sudo edox-ops gitlab-runner status\)/,
    shows: "version: 19.4.0",
  },
];

/** The same host for user 1000, who cannot read anything below a path. */
export function seenByUser(host: FakeHost, hidden: string): FakeHost {
  const user: FakeHost = { ...host, uid: 1000 };
  for (const name of [
    "stat",
    "statTarget",
    "read",
    "readOwn",
    "head",
    "list",
    "readLink",
  ] as const satisfies (keyof HostReader)[]) {
    Object.assign(user, {
      [name](path: string, ...more: []) {
        if (path === hidden || path.startsWith(`${hidden}/`))
          throw new UnknownStateError(`${path} may only be read by root`);
        return host[name](path, ...(more as unknown as [number]));
      },
    });
  }
  return user;
}
