// A certbot that obtains certificates, and the requests that a preflight sends, in memory.

import { type FakeHost, ok } from "../fake-host.ts";
import { putLineage } from "./lineage-files.ts";

export interface FakeAuthority {
  /** The output of certbot in place of a certificate. */
  refusal: { code: number; stdout: string; stderr: string } | null;
  /** What curl answers for an address that does not lead to the host. */
  elsewhere: Map<string, { code: number; stdout: string; stderr: string }>;
  /** What curl answers for a URL that a redirect leads to. */
  redirected: Map<string, { code: number; stdout: string; stderr: string }>;
  /** The file names in the webroot at each request of the preflight. */
  tokens: string[];
  /** The command lines of curl. */
  requests: string[];
}

const challenges = "/var/lib/edox-ops/acme/.well-known/acme-challenge";

const dayMs = 24 * 60 * 60 * 1000;
const dateOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/**
 * Adds an authority that issues for every name. The DNS has an address of this host for each of these names. `nowMs`:
 * the clock of the authority.
 */
export function addAuthority(host: FakeHost, names: readonly string[], nowMs = host.now()): FakeAuthority {
  const authority: FakeAuthority = {
    refusal: null,
    elsewhere: new Map(),
    redirected: new Map(),
    tokens: [],
    requests: [],
  };
  host.put("/proc/net/fib_trie", "Local:\n        |-- 10.0.0.4\n           /32 host LOCAL\n");
  for (const name of names) host.records.set(name, ["10.0.0.4"]);
  host.taught.unshift((argv) => {
    if (argv[0] === "rm" && argv[1] === "-rf") {
      const isBelow = (path: string): boolean => argv.slice(2).some((each) => `${path}/`.startsWith(`${each}/`));
      for (const path of [...host.nodes.keys()].filter(isBelow)) host.nodes.delete(path);
      return ok();
    }
    if (argv[0] === "certbot" && argv[1] === "certonly") {
      if (authority.refusal !== null) return authority.refusal;
      const following = (flag: string): string | undefined => argv[argv.indexOf(flag, 1) + 1];
      const asked = argv.flatMap((word, i) => (argv[i - 1] === "-d" ? [word] : []));
      const server = argv.includes("--server")
        ? following("--server")
        : "https://acme-v02.api.letsencrypt.org/directory";
      const staging = "https://acme-staging-v02.api.letsencrypt.org/directory";
      putLineage(host, {
        name: following("--cert-name") ?? "",
        names: asked,
        server: (argv.includes("--staging") ? staging : server) ?? "",
        from: dateOf(nowMs - 10 * dayMs),
        to: dateOf(nowMs + 80 * dayMs),
      });
      return ok();
    }
    const url = argv[0] === "curl" ? (argv.at(-1) ?? "") : "";
    if (argv[0] === "curl") authority.requests.push(argv.join(" "));
    const redirected = authority.redirected.get(url);
    if (redirected !== undefined) return redirected;
    if (!url.includes("/.well-known/acme-challenge/")) return undefined;
    const [, , address = ""] = /^(.+):80:\[?([^\]]+)\]?$/.exec(argv[argv.indexOf("--resolve") + 1] ?? "") ?? [];
    const token = host.text(`${challenges}/${url.slice(url.lastIndexOf("/") + 1)}`);
    authority.tokens.push(...(host.list(challenges) ?? []));
    return authority.elsewhere.get(address) ?? ok(`${token ?? "missing"}\n${token === null ? 404 : 200} `);
  });
  return authority;
}
