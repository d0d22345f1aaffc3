// A certbot, a CA and the TLS port of nginx, in memory.

import { certbotLog } from "../../src/certs/certbot-log.ts";
import { readLineages } from "../../src/certs/lineage.ts";
import { hookPath, renewalsDir } from "../../src/certs/paths.ts";
import { renewBeforeMs } from "../../src/certs/renewal/before.ts";
import { fakeDebian } from "../fake-debian.ts";
import { type FakeHost, ok } from "../fake-host.ts";
import { type LineageSpec, putLineage, removeLineage } from "./lineage-files.ts";

export interface FakeCertbot {
  /** Why the CA refuses a name, by lineage. */
  refused: Map<string, string>;
  /** The certificates that nginx has loaded, in PEM by host name. */
  loaded: Map<string, string>;
  /** Why nginx refuses a reload; "" if it does not. */
  broken: string;
  /** Called before each run; its result replaces that of certbot. */
  before: ((words: readonly string[]) => ReturnType<FakeHost["taught"][number]>) | null;
}

/** Adds a certbot with these lineages. nginx has loaded their certificates. */
export function addCertbot(host: FakeHost, specs: readonly LineageSpec[]): FakeCertbot {
  const certbot: FakeCertbot = { refused: new Map(), loaded: new Map(), broken: "", before: null };
  const load = (name: string): void => {
    for (const each of specs.find((spec) => spec.name === name)?.names ?? [name]) {
      certbot.loaded.set(each, host.text(`/etc/letsencrypt/archive/${name}/fullchain1.pem`) ?? "");
    }
  };
  const hook = (name: string): void => {
    if (host.stat(hookPath) === null) return;
    const seconds = Math.floor(host.now() / 1000);
    host.put(
      `${renewalsDir}/${name}`,
      certbot.broken === "" ? `reloaded ${seconds}\n` : `failed ${seconds} ${certbot.broken}\n`,
    );
    if (certbot.broken === "") load(name);
  };
  for (const spec of specs) {
    putLineage(host, spec);
    load(spec.name);
  }
  host.put("/usr/bin/certbot", "");
  host.taught.unshift((argv) => {
    const line = argv.join(" ");
    if (line.startsWith("openssl s_client ")) {
      const pem = certbot.loaded.get(argv[argv.indexOf("-servername") + 1] ?? "");
      return pem === undefined ? { code: 1, stdout: "", stderr: "handshake failure\n" } : ok(`CONNECTED\n${pem}`);
    }
    if (line === "systemctl reload nginx" || line === "systemctl reload-or-restart nginx") {
      if (certbot.broken === "") for (const { name } of specs) load(name);
      return line.includes("restart") ? undefined : ok();
    }
    if (argv[0] !== "certbot") return undefined;
    const replaced = certbot.before?.(argv.slice(1));
    if (replaced !== undefined) return replaced;
    const named = argv.indexOf("--cert-name");
    if (argv[1] === "delete") removeLineage(host, argv[named + 1] ?? "");
    if (argv[1] !== "renew") return ok("certbot 2.1.0\n");
    const { lineages, broken } = readLineages(host);
    const chosen = [...lineages.values()].filter(({ name }) => named < 0 || argv[named + 1] === name);
    const said: string[] = [...broken.values()].map(({ path }) => `Renewal configuration file ${path} is broken.`);
    for (const lineage of chosen) {
      const { name, certificate } = lineage;
      const due = certificate && certificate.notAfter - (renewBeforeMs(lineage) ?? 0) <= host.now();
      if (!due && !argv.includes("--force-renewal") && !argv.includes("--dry-run")) continue;
      const reason = certbot.refused.get(name);
      if (reason !== undefined) said.push(`Failed to renew certificate ${name} with error: ${reason}`);
      if (reason !== undefined || argv.includes("--dry-run")) continue;
      putLineage(host, { from: "2027-01-15", to: "2027-04-15", name, ...only(specs, name) });
      hook(name);
    }
    const stderr = [`Saving debug log to ${certbotLog}`, ...said].map((each) => `${each}\n`).join("");
    return { code: said.length > 0 ? 1 : 0, stdout: "", stderr };
  });
  return certbot;
}

/** Returns what stays at a renewal. */
function only(specs: readonly LineageSpec[], name: string): Partial<LineageSpec> {
  const { from: _, to: __, ...kept } = specs.find((each) => each.name === name) ?? { name };
  return kept;
}

/** Returns a bare host with certbot. */
export function certbotHost(specs: readonly LineageSpec[]): FakeHost {
  const host = fakeDebian();
  addCertbot(host, specs);
  return host;
}
