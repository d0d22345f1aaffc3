// A certificate authority for tests: Debian's own pebble, on the test host itself.

import { writeFileSync } from "node:fs";
import type { Issued } from "../sites/certificates.ts";
import { Dns, dnsServer } from "./dns.ts";
import { run } from "./run.ts";
import type { TestHost } from "./test-host.ts";

/** An ACME server that a host trusts. It validates names that the host's DNS resolves. */
export interface Pebble {
  /** The URL of its directory, for `certbot --server`. */
  directory: string;
  /** The path on the host of the root that it issues from. */
  rootPath: string;
  /** Issues the certificates. Its key is public, so a test can issue one with any dates. */
  intermediate: Issued;
  /** The resolver of the host and of the authority. */
  dns: Dns;
  /** `down`: connections are refused. `silent`: they are accepted, and no byte follows. */
  become(state: "up" | "down" | "silent"): void;
}

export interface PebbleOptions {
  /** The lifetime of its certificates: 90 days by default. */
  lifetimeSeconds?: number;
  /** It waits up to this long before it validates a name. By default it does not wait. */
  validationSeconds?: number;
}

/** One pebble process. It forgets accounts and orders, and makes new roots, when it ends. */
export interface PebbleProcess extends PebbleOptions {
  port: number;
  /** The words before its command line, such as an emulator, and more variables for it. */
  under?: readonly string[];
  environment?: Readonly<Record<string, string>>;
  /** The address that others reach it by. */
  address?: string;
}

const store = "/usr/local/share/ca-certificates";
/** The certificate and key of its servers. */
export const certificatePath = `${store}/pebble.crt`;
export const keyPath = "/srv/pebble.key";
const day = 86_400;
/** How far the port of its management interface is from that of its ACME interface. */
const managementOffset = 1000;

/** The answers to certbot's questions, and no random delay, which a renewal has without a terminal. */
const certbotSettings = [
  "agree-tos = true",
  "register-unsafely-without-email = true",
  "no-random-sleep-on-renew = true",
];

/**
 * Installs pebble on a host and starts it. The host trusts it, and certbot uses it without a flag, whether certbot is
 * installed before or later. The host resolves names only with its own DNS from then on, and `names` lead to the host.
 */
export function startPebble(host: TestHost, names: readonly string[], options: PebbleOptions = {}): Pebble {
  installPebble(host);
  const dns = new Dns(host);
  dns.start();
  for (const name of names) dns.set(name, { a: [host.address] });
  const port = 14000;
  const directory = runPebble(host, { ...options, port });
  defaultServer(host, directory);
  const rootPath = `${store}/pebble-root.crt`;
  writeFileSync(`${host.root}${rootPath}`, fetchFrom(host, port, "/roots/0"));
  must(host, "update-ca-certificates");
  const intermediate = {
    certificate: fetchFrom(host, port, "/intermediates/0"),
    key: fetchFrom(host, port, "/intermediate-keys/0"),
  };
  return { directory, rootPath, intermediate, dns, become: (state) => become(host, [port], state) };
}

/** Installs the package, and a certificate for its servers that the host trusts for three years. */
export function installPebble(host: TestHost): void {
  must(host, "echo 127.0.0.1 pebble >>/etc/hosts");
  must(host, "DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends pebble");
  must(
    host,
    `openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -days 1100 -subj /CN=pebble -addext \
    subjectAltName=DNS:pebble -addext keyUsage=critical,digitalSignature,keyCertSign -keyout ${keyPath} \
    -out ${certificatePath} && update-ca-certificates && mkdir -p /root/.config/letsencrypt`,
  );
}

/** Makes certbot use a server where no flag names one. */
export function defaultServer(host: TestHost, directory: string): void {
  const lines = [`server = ${directory}`, ...certbotSettings];
  writeFileSync(`${host.root}/root/.config/letsencrypt/cli.ini`, `${lines.join("\n")}\n`);
}

/** Starts a pebble and returns the URL of its directory. */
export function runPebble(host: TestHost, { port, under = [], address = "127.0.0.1", ...rest }: PebbleProcess): string {
  const { lifetimeSeconds = 90 * day, validationSeconds } = rest;
  const pebble = {
    listenAddress: `${address}:${port}`,
    managementListenAddress: `127.0.0.1:${port + managementOffset}`,
    certificate: certificatePath,
    privateKey: keyPath,
    httpPort: 80,
    tlsPort: 443,
    ocspResponderURL: "",
    externalAccountBindingRequired: false,
    certificateValidityPeriod: lifetimeSeconds,
  };
  writeFileSync(`${host.root}/srv/pebble-${port}.json`, JSON.stringify({ pebble }));
  // Each of these makes pebble slow or unreliable by default, as practice for clients.
  const steady = { PEBBLE_VA_NOSLEEP: "1", PEBBLE_AUTHZREUSE: "0", PEBBLE_WFE_NONCEREJECT: "0" };
  const wait = { PEBBLE_VA_NOSLEEP: "0", PEBBLE_VA_SLEEPTIME: String(validationSeconds) };
  const variables = { ...steady, ...(validationSeconds === undefined ? {} : wait), ...rest.environment };
  const environment = Object.entries(variables).map(([name, value]) => `-E ${name}=${value}`);
  const command = [...under, "/usr/bin/pebble", "-config", `/srv/pebble-${port}.json`, "-dnsserver", dnsServer];
  must(host, `systemd-run --quiet --unit=${unitOf(port)} ${[...environment, ...command].join(" ")}`);
  fetchFrom(host, port, "/roots/0");
  return `https://pebble:${port}/dir`;
}

/** Returns the name of the unit of the pebble on this port. */
function unitOf(port: number): string {
  return `pebble-${port}`;
}

function fetchFrom(host: TestHost, port: number, path: string): string {
  const url = `https://pebble:${port + managementOffset}${path}`;
  return must(host, `curl -sS --fail --retry 40 --retry-connrefused --retry-delay 1 ${url}`);
}

/** Puts the pebbles of these ports into a state. A stopped one would lose its accounts, so its port refuses instead. */
export function become(host: TestHost, ports: readonly number[], state: "up" | "down" | "silent"): void {
  host.raw(["systemctl", "kill", "-s", state === "silent" ? "STOP" : "CONT", ...ports.map(unitOf)]);
  const rule = `add rule inet pebble in tcp dport { ${ports.join(", ")} } reject with tcp reset`;
  const chain = "add chain inet pebble in { type filter hook input priority 0; }";
  const text = ["add table inet pebble", chain, "flush chain inet pebble in", ...(state === "down" ? [rule] : [])];
  const { code, stderr } = run([host.onItsNetwork("nft"), text.join("; ")]);
  if (code !== 0) throw new Error(`${text.join("; ")}: ${stderr}`);
}

/** Returns the stdout of a script that must succeed in the host. */
function must(host: TestHost, script: string): string {
  const { code, stdout, stderr } = host.sh(script);
  if (code !== 0) throw new Error(`${script} failed\n${stdout}${stderr}`);
  return stdout;
}
