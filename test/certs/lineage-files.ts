// Lineages of certbot in the files of a host in memory.

import type { FakeHost } from "../fake-host.ts";
import { type CertificateRequest, type Issued, issue } from "../sites/certificates.ts";

export interface LineageSpec {
  name: string;
  /** The names of the certificate; the lineage's by default. */
  names?: readonly string[];
  webroot?: string;
  authenticator?: string;
  server?: string;
  from?: string;
  to?: string;
  by?: Issued;
  /** Lines above the first section. */
  top?: readonly string[];
  /** Lines of `[renewalparams]`. */
  more?: readonly string[];
}

export const acmeServer = "https://acme.test/dir";

/** Returns the text that certbot 2.1 writes. */
export function renewalTextOf(spec: LineageSpec): string {
  const { name, names = [name], webroot = "/var/lib/edox-ops/acme", authenticator = "webroot", more = [] } = spec;
  const dir = `/etc/letsencrypt/live/${name}`;
  const isWebroot = authenticator === "webroot";
  return [
    ...(spec.top ?? ["# renew_before_expiry = 30 days"]),
    "version = 2.1.0",
    `archive_dir = /etc/letsencrypt/archive/${name}`,
    ...["cert", "privkey", "chain", "fullchain"].map((kind) => `${kind} = ${dir}/${kind}.pem`),
    "",
    "# Options used in the renewal process",
    "[renewalparams]",
    "account = 0123456789abcdef0123456789abcdef",
    ...(isWebroot ? [`webroot_path = ${webroot},`] : []),
    `server = ${spec.server ?? acmeServer}`,
    `authenticator = ${authenticator}`,
    "key_type = ecdsa",
    ...more,
    ...(isWebroot ? ["[[webroot_map]]", ...names.map((each) => `${each} = ${webroot}`)] : []),
    "",
  ].join("\n");
}

/** Writes a lineage. The clock of a fake host begins on 2027-01-15. */
export function putLineage(host: FakeHost, spec: LineageSpec): Issued {
  const { name, names = [name], from = "2027-01-01", to = "2027-04-01", by } = spec;
  const request: CertificateRequest = { subject: name, names: names.map((each) => `DNS:${each}`).join(","), from, to };
  const issued = issue(by === undefined ? request : { ...request, by });
  const archive = `/etc/letsencrypt/archive/${name}`;
  host.put(`/etc/letsencrypt/renewal/${name}.conf`, renewalTextOf(spec));
  for (const [kind, text] of [
    ["cert", issued.certificate],
    ["fullchain", issued.certificate + (by?.certificate ?? "")],
    ["chain", by?.certificate ?? ""],
    ["privkey", issued.key],
  ] as const) {
    host.put(`${archive}/${kind}1.pem`, text, { mode: kind === "privkey" ? 0o600 : 0o644 });
    host.link(`/etc/letsencrypt/live/${name}/${kind}.pem`, `../../archive/${name}/${kind}1.pem`);
  }
  return issued;
}

/** Removes all files of a lineage. */
export function removeLineage(host: FakeHost, name: string): void {
  const files = ["renewal", "live", "archive"].map((dir) => `/etc/letsencrypt/${dir}/${name}`);
  for (const path of [...host.nodes.keys()]) {
    if (files.some((each) => path === `${each}.conf` || `${path}/`.startsWith(`${each}/`))) host.nodes.delete(path);
  }
}

/** Returns the record of an enabled project with HTTPS, by its slug. */
export function projectRecord(slug: string, domain: string, more: object = {}): Record<string, object> {
  return {
    [slug]: {
      slug,
      domain,
      root_path: `/var/www/docs/${slug}`,
      source_path: null,
      branch: "main",
      owner_group: "www-data",
      enabled: true,
      tls: true,
      ...more,
    },
  };
}
