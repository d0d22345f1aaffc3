// Each fault that keeps a project from getting a certificate: a clear error, nothing changed, and the site still served.

import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { issue } from "../sites/certificates.ts";
import type { Suite } from "./base.ts";
import type { DnsAnswer } from "./dns.ts";
import type { FaultyCa } from "./faulty-ca.ts";
import type { Pebble } from "./pebble.ts";
import { soak } from "./rounds.ts";
import type { Ended } from "./run.ts";
import type { TestHost } from "./test-host.ts";

/** A host with nginx, certbot and an authority, and a site over HTTP: the project and its domain. */
export interface Ground {
  host: TestHost;
  pebble: Pebble;
  ca: FaultyCa;
  slug: string;
  domain: string;
}

/** Files that a failed command leaves unchanged. certbot keeps its account and its log. */
const kept = [
  ...["/etc/nginx", "/etc/edox-ops", "/var/lib/edox-ops/acme"],
  ...["live", "renewal", "archive"].map((name) => `/etc/letsencrypt/${name}`),
];

interface Fault {
  /** Causes it, and returns what ends it. */
  cause: (ground: Ground) => () => void;
  /** What the error says. */
  said: RegExp;
  /** Whether the authority is asked. */
  isAsked: boolean;
  /** The directory of another authority. */
  server?: string;
}

const dns = (answer: (ground: Ground) => DnsAnswer): Fault["cause"] => {
  return (ground) => {
    ground.pebble.dns.set(ground.domain, answer(ground));
    return () => ground.pebble.dns.set(ground.domain, { a: [ground.host.address] });
  };
};
const answers = (...fault: Parameters<FaultyCa["fail"]>): Fault["cause"] => {
  return ({ ca }) => {
    ca.fail(...fault);
    return () => ca.set({});
  };
};
const shell = (cause: string, end: string): Fault["cause"] => {
  return ({ host }) => {
    expect(host.sh(cause)).toMatchObject({ code: 0 });
    return () => expect(host.sh(end)).toMatchObject({ code: 0 });
  };
};

/** Every fault by its title. */
const faults: Record<string, Fault> = {
  "a name without an address": { cause: dns(() => ({})), said: /has no address in the DNS/, isAsked: false },
  "a name whose name server fails": { cause: dns(() => ({ fails: true })), said: /name server/, isAsked: false },
  "a name whose name server does not answer": {
    cause: dns(({ host }) => ({ a: [host.address], isSilent: true })),
    said: /no name server answers/,
    isAsked: false,
  },
  "an A record of another host": {
    cause: dns(({ host }) => ({ a: [host.gateway] })),
    said: /A record 10\.\S+ .*does not lead to this host/,
    isAsked: false,
  },
  "an AAAA record of another host": {
    cause: dns(({ host }) => ({ a: [host.address], aaaa: ["2001:db8::1"] })),
    said: /AAAA record 2001:db8::1 .*does not lead to this host/,
    isAsked: false,
  },
  "an authority that is down": {
    cause: ({ ca }) => {
      ca.become("down");
      return () => ca.become("up");
    },
    said: /cannot be reached: connection refused/,
    isAsked: false,
  },
  // To a client whose clock is fast, the certificate of the authority has expired.
  "a wrong clock": {
    cause: ({ host, pebble }) => {
      const { intermediate: by } = pebble;
      const dates = { from: "2020-01-01", to: "2021-01-01" };
      const { certificate, key } = issue({ subject: "pebble", names: "DNS:pebble", ...dates, by });
      writeFileSync(`${host.root}/srv/expired.pem`, certificate + key);
      writeFileSync(`${host.root}/srv/expired-chain.pem`, by.certificate);
      const files = "-cert /srv/expired.pem -cert_chain /srv/expired-chain.pem";
      const start = `systemd-run --quiet --unit=expired openssl s_server -quiet -accept 127.0.0.1:14444 ${files}; sleep 1`;
      expect(host.sh(start)).toMatchObject({ code: 0 });
      return () => host.sh("systemctl stop expired");
    },
    said: /has expired or is not yet valid: is the clock right/,
    isAsked: false,
    server: "https://pebble:14444/dir",
  },
  "a rate limit": {
    cause: answers("rateLimited", "newOrder"),
    said: /accepts no more requests before \d{4}.*too many certificates/,
    isAsked: true,
  },
  "a forbidden name": { cause: answers("rejectedIdentifier", "newOrder"), said: /forbidden by policy/, isAsked: true },
  "a CAA record": { cause: answers("caa", "finalize"), said: /CAA record/, isAsked: true },
  "an account that was deactivated": { cause: answers("unauthorized", "newOrder"), said: /deactivated/, isAsked: true },
  "an internal error of the authority": {
    cause: answers("serverInternal", "newOrder"),
    said: /Error creating new order/,
    isAsked: true,
  },
  "a page in place of the directory": { cause: answers("html", "directory"), said: /status 502/, isAsked: true },
  "half of the directory": { cause: answers("half", "directory"), said: /not the directory of/, isAsked: true },
  "half of an order": { cause: answers("half", "newOrder"), said: /certificate authority/, isAsked: true },
  "a foreign file that nginx refuses": {
    cause: shell("echo 'bogus;' >/etc/nginx/conf.d/theirs.conf", "rm /etc/nginx/conf.d/theirs.conf"),
    said: /nginx refuses its configuration.*bogus|unknown directive "bogus"/,
    isAsked: false,
  },
};
/** certbot waits for 45 seconds. */
const slow: Record<string, Fault> = {
  "an authority that accepts connections and is silent": {
    cause: answers("silent", "directory"),
    said: /cannot be reached: timed out/,
    isAsked: true,
  },
};

/**
 * Defines a test for each fault. The versions of certbot print the authority's errors differently, so those are on each
 * suite. The others are on one suite, except in the soak.
 */
export function testFaults(suite: Suite, ground: () => Ground): void {
  const all = Object.entries(soak ? { ...faults, ...slow } : faults);
  const here = all.filter(([, { isAsked }]) => soak || isAsked || suite === "bookworm");
  for (const [title, { cause, said, isAsked, server }] of here) {
    test(`issue: ${title} is reported, and nothing changes`, () => {
      const { host, ca, slug, domain } = ground();
      // certbot and the preflight may leave empty directories.
      const lines = () => host.listing(...kept).split("\n");
      const state = () => lines().filter((line) => !/ d \d+ /.test(line));
      const served = () => host.sh(`curl -sS --resolve ${domain}:80:127.0.0.1 http://${domain}/`).stdout;
      const before = state();
      ca.requests();
      const end = cause(ground());
      const spoiled = state();
      let ended: Ended;
      try {
        ended = host.sh(`edox-ops project certs issue ${slug} --server ${server ?? ca.directory} --yes`);
        expect([title, served()]).toEqual([title, `${slug}\n`]);
        expect([title, state()]).toEqual([title, spoiled]);
      } finally {
        end();
      }
      expect([title, ended.code, ended.stderr]).toEqual([title, 1, expect.stringMatching(said)]);
      expect([title, ended.stderr]).toEqual([title, expect.stringMatching(/^hint: .+$/m)]);
      expect([title, ca.requests().length > 0]).toEqual([title, isAsked]);
      expect([title, state()]).toEqual([title, before]);
    });
  }

  test("issue: a full disk is reported, and the site is served", () => {
    const { host, ca, slug, domain } = ground();
    const full = `mount -t tmpfs -o size=2m tmpfs /mnt && cp -a /etc/letsencrypt/. /mnt &&
      { head -c 4M /dev/zero >/mnt/full 2>/dev/null; mount --bind /mnt /etc/letsencrypt; }`;
    expect(host.sh(full)).toMatchObject({ code: 0 });
    const { code, stderr } = host.sh(`edox-ops project certs issue ${slug} --server ${ca.directory} --yes`);
    host.sh("umount /etc/letsencrypt /mnt");
    expect([code, stderr]).toEqual([1, expect.stringMatching(/No space left on device|disk is full/)]);
    expect(host.sh(`curl -sS --resolve ${domain}:80:127.0.0.1 http://${domain}/`).stdout).toBe(`${slug}\n`);
  });

  test("issue: the project gets its certificate when the faults are over, and a second run changes nothing", () => {
    const { host, ca, slug, domain } = ground();
    const typed = `edox-ops project certs issue ${slug} --server ${ca.directory} --yes`;
    expect(host.sh(typed)).toMatchObject({ code: 0, stderr: "" });
    writeFileSync(`${host.root}/srv/serial`, host.sh(`cat /etc/letsencrypt/live/${domain}/cert.pem`).stdout);
    ca.requests();
    expect(host.sh(typed)).toMatchObject({ code: 0, stderr: "" });
    expect(ca.requests()).toEqual([]);
    expect(host.sh(`cmp /srv/serial /etc/letsencrypt/live/${domain}/cert.pem`).code).toBe(0);
  });
}
