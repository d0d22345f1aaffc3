// Checks before the first request to a certificate authority, each of whose failures counts against a limit: that the
// names have addresses, that these lead to the nginx of this host, and that the authority would accept the request.

import type { Host, HostReader, Resolution } from "../../host/host.ts";
import { acmeDir, catchAllPath } from "../../nginx/paths.ts";
import type { Requirement, Unmet } from "../../problem/requirement.ts";
import { portFree } from "../../resources/port.ts";
import { isActive } from "../../resources/service.ts";
import { vhostLinkPath } from "../../sites/serve/site.ts";
import { hintToStart } from "../../sites/serve/site-hints.ts";
import { few } from "../../text/lines.ts";
import { familyOf, type OwnAddresses, ownAddresses } from "./addresses.ts";
import { type Answer, dnsLimitMs, fetchAll, whyLocal } from "./token-fetch.ts";

const challengeDir = `${acmeDir}/.well-known/acme-challenge`;
/** certbot removes only those that it made, so that two programs never disagree about them. */
export const challengeDirs = [`${acmeDir}/.well-known`, challengeDir];
const tokenPrefix = "edox-ops-preflight-";

export interface Preflight {
  slug: string;
  names(reader: HostReader): Promise<string[]>;
  /** The command that repeats the run. */
  again: readonly string[];
  /** A dry run writes no file, so that it cannot check where an address leads. */
  dryRun: boolean;
}

function withoutPreflight({ again }: Preflight): string[] {
  return [...again, "--no-preflight"];
}

/** Requires that every name has an address. Changes nothing. */
export function namesHaveAddresses(preflight: Preflight): Requirement {
  return {
    name: "certs:names-in-dns",
    title: "every name has an address in the DNS",
    async check(reader, warn) {
      const names = await preflight.names(reader);
      const found = await Promise.all(names.map((name) => reader.resolve(name, { limitMs: dnsLimitMs })));
      const own = ownAddresses(reader);
      for (const [i, name] of names.entries()) {
        const { addresses, failure } = found[i] ?? { addresses: [], failure: "no-record" };
        if (failure !== null) return unresolved(name, failure, own, preflight);
        const answers = addresses.map((address) => ({ name, address, why: whyLocal(address), status: 0 }));
        const fault = await faultIn(reader, answers, preflight);
        if (fault !== null) return fault;
        const elsewhere = addresses.filter((each) => !own.has(each));
        if (preflight.dryRun && elsewhere.length > 0) {
          warn(
            `${name} has the address ${few(elsewhere)}, which is not one of this host: only a run can check whether it leads here`,
          );
        }
      }
      return null;
    },
  };
}

function unresolved(
  name: string,
  failure: NonNullable<Resolution["failure"]>,
  own: OwnAddresses,
  { again }: Preflight,
): Unmet {
  if (failure === "no-answer") {
    return { reason: `no name server answers for ${name}`, hint: ["cat", "/etc/resolv.conf"], code: "unreachable" };
  }
  if (failure === "server-failure") {
    return { reason: `the name servers of ${name} answer with an error`, hint: [...again], code: "unreachable" };
  }
  const to = own.publicOf(4);
  const record = to === null ? "an A record with the address that leads to this host" : `the A record ${to}`;
  return { reason: `${name} has no address in the DNS: add ${record}`, hint: [...again], code: "not-found" };
}

/**
 * Requires that a file of this host comes back over every address of every name, as a certificate authority would
 * request it. The file is removed in every case; one that a killed run left is removed first.
 */
export function namesLeadHere(host: Host, preflight: Preflight): Requirement {
  return {
    name: "certs:names-lead-here",
    title: "every name leads to the nginx of this host",
    async check(reader) {
      const names = await preflight.names(reader);
      const token = `${tokenPrefix}${crypto.randomUUID()}`;
      sweep(host);
      try {
        for (const path of challengeDirs) {
          if (host.stat(path) === null) host.makeDirectory(path, { mode: 0o755, uid: 0, gid: 0 });
        }
        const bytes = new TextEncoder().encode(token);
        host.writeFile(`${challengeDir}/${token}`, bytes, { mode: 0o644, uid: 0, gid: 0 });
        const answers = await fetchAll(reader, names, token);
        return faultIn(reader, answers, preflight);
      } finally {
        sweep(host);
      }
    },
  };
}

function sweep(host: Host): void {
  const left = (host.list(challengeDir) ?? []).filter((name) => name.startsWith(tokenPrefix));
  for (const name of left) host.remove(`${challengeDir}/${name}`);
}

/** Returns the first fault. The others of the same name are part of it. */
async function faultIn(reader: HostReader, answers: readonly Answer[], preflight: Preflight): Promise<Unmet | null> {
  const own = ownAddresses(reader);
  const failed = answers.filter(({ why }) => why !== null);
  const first = failed.find(({ address }) => own.has(address)) ?? failed[0];
  if (first === undefined) return null;
  if (own.has(first.address)) return localFault(reader, first, preflight);
  const { name, address, why } = first;
  const family = familyOf(address);
  const record = family === 6 ? "AAAA" : "A";
  const to = own.publicOf(family);
  const isLeftOver = family === 6 && answers.some((each) => each.name === name && each.why === null);
  const also = isLeftOver ? ", and certificate authorities try IPv6 first: remove the record" : `: change the record`;
  const others = new Set(failed.map((each) => each.name).filter((each) => each !== name));
  const more = others.size === 0 ? "" : `; ${few([...others])} too`;
  const instead = to === null ? "" : ` to ${to}`;
  const reason = `the ${record} record ${address} of ${name} does not lead to this host (${why})${also}${isLeftOver ? "" : instead}${more}`;
  if (to !== null || isLeftOver) return { reason, hint: [...preflight.again], code: "unreachable" };
  // A router may pass on the requests of others, but not those of this host to its own public address.
  const nat = `${reason}, or skip this check if a router translates the addresses of this host`;
  return { reason: nat, hint: withoutPreflight(preflight), code: "unreachable" };
}

/** Explains why this host itself does not answer. */
async function localFault(
  reader: HostReader,
  { name, address, why, status }: Answer,
  { slug }: Preflight,
): Promise<Unmet> {
  const taken = await portFree(80, "nginx", () => false).check(reader, () => {});
  if (taken !== null) return taken;
  if (!isActive(reader, "nginx"))
    return { reason: "nginx is not running", hint: hintToStart(reader), code: "not-served" };
  const shows = ["sudo", "ss", "-ltnp", "sport", "=", ":80"];
  if (status === 0)
    return { reason: `nginx does not answer for ${name} at ${address}: ${why}`, hint: shows, code: "not-served" };
  const { nginxConfig } = await import("../../nginx/config.ts");
  const { foreignName } = await import("../../sites/serve/foreign-name.ts");
  const other = foreignName(nginxConfig(reader).servers, { slug, tls: false }, [name]);
  if (other !== null) return { ...other, reason: `another site of nginx answers for ${name}: ${other.reason}` };
  if (reader.readLink(vhostLinkPath(slug)) === null && reader.stat(catchAllPath) === null) {
    const reason = `another default server of nginx answers for ${name}, which has no site yet: publish it without --tls first`;
    const hint = ["sudo", "edox-ops", "project", "publish", slug, "--domain", name, "--source", "DIRECTORY"];
    return { reason, hint, code: "not-served" };
  }
  const hint = ["curl", "-sSi", `http://${name}/.well-known/acme-challenge/`];
  return { reason: `another program or site answers for ${name} at ${address}: ${why}`, hint, code: "not-served" };
}
