// A certificate authority for tests: Debian's own pebble, on the test host itself.

import { writeFileSync } from "node:fs";
import type { Issued } from "../sites/certificates.ts";
import type { Ended } from "./run.ts";
import type { TestHost } from "./test-host.ts";

/** An ACME server that a host trusts. It validates every name of the host's /etc/hosts over the loopback. */
export interface Pebble {
  /** The URL of its directory, for `certbot --server`. */
  directory: string;
  /** The path on the host of the root that it issues from. */
  rootPath: string;
  /** Issues the certificates. Its key is public, so a test can issue one with any dates. */
  intermediate: Issued;
}

const directory = "https://pebble:14000/dir";
const management = "https://pebble:15000";
const store = "/usr/local/share/ca-certificates";

const config = {
  pebble: {
    listenAddress: "127.0.0.1:14000",
    managementListenAddress: "127.0.0.1:15000",
    certificate: `${store}/pebble.crt`,
    privateKey: "/srv/pebble.key",
    httpPort: 80,
    tlsPort: 443,
    ocspResponderURL: "",
    externalAccountBindingRequired: false,
  },
};

/** Each of these makes pebble slow or unreliable by default, as practice for clients. */
const steady = ["PEBBLE_VA_NOSLEEP=1", "PEBBLE_AUTHZREUSE=0", "PEBBLE_WFE_NONCEREJECT=0"];

/** The server, the answers to certbot's questions, and no random delay, which a renewal has without a terminal. */
const certbotSettings = [
  `server = ${directory}`,
  "agree-tos = true",
  "register-unsafely-without-email = true",
  "no-random-sleep-on-renew = true",
];

/**
 * Installs pebble on a host and starts it. The host trusts it, and certbot uses it without a flag, whether certbot is
 * installed before or later. `names` lead to the host itself from then on.
 */
export function startPebble(host: TestHost, names: readonly string[]): Pebble {
  const sh = (script: string): Ended => {
    const ended = host.sh(script);
    if (ended.code !== 0) throw new Error(`${script} failed\n${ended.stdout}${ended.stderr}`);
    return ended;
  };
  sh(`echo 127.0.0.1 pebble ${names.join(" ")} >>/etc/hosts`);
  sh("DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends pebble");
  sh(`openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -days 30 -subj /CN=pebble -addext \
    subjectAltName=DNS:pebble -addext keyUsage=critical,digitalSignature,keyCertSign -keyout /srv/pebble.key \
    -out ${store}/pebble.crt && update-ca-certificates && mkdir -p /root/.config/letsencrypt`);
  writeFileSync(`${host.root}/srv/pebble.json`, JSON.stringify(config));
  writeFileSync(`${host.root}/root/.config/letsencrypt/cli.ini`, `${certbotSettings.join("\n")}\n`);
  const environment = steady.map((each) => `-E ${each}`).join(" ");
  sh(`systemd-run --quiet --unit=pebble ${environment} pebble -config /srv/pebble.json`);
  const fetched = (path: string): string =>
    sh(`curl -sS --fail --retry 20 --retry-connrefused --retry-delay 1 ${management}${path}`).stdout;
  const rootPath = `${store}/pebble-root.crt`;
  writeFileSync(`${host.root}${rootPath}`, fetched("/roots/0"));
  sh("update-ca-certificates");
  const intermediate = { certificate: fetched("/intermediates/0"), key: fetched("/intermediate-keys/0") };
  return { directory, rootPath, intermediate };
}
