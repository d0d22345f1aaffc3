// The DNS of a test host: Debian's pebble-challtestsrv, whose answers a test changes while it runs.

import { writeFileSync } from "node:fs";
import { run } from "./run.ts";
import type { TestHost } from "./test-host.ts";

/** What the DNS answers for a name. Without any of these, the name exists and has no address. */
export interface DnsAnswer {
  a?: readonly string[];
  aaaa?: readonly string[];
  cname?: string;
  /** Every query fails with SERVFAIL. */
  fails?: true;
  /** No query gets an answer. */
  isSilent?: true;
}

/** The address of the server, for `pebble -dnsserver`. */
export const dnsServer = "127.0.0.1:53";
const management = "http://127.0.0.1:8055";

/** The resolver of a host. It knows only the names that a test sets. */
export class Dns {
  private readonly silent = new Set<string>();

  constructor(private readonly host: TestHost) {}

  /** Starts the server, whose package has to be installed. These hosts ask no other one. */
  start(askedBy: readonly TestHost[] = [this.host]): void {
    const off = ["-http01", "-https01", "-tlsalpn01", "-defaultIPv4", "-defaultIPv6"].map((flag) => `${flag} ""`);
    // Only newer versions have the flag, and those listen on its port by default.
    const doh = `$(pebble-challtestsrv -help 2>&1 | grep -q -- -doh && echo "-doh=")`;
    const flags = `${off.join(" ")} ${doh} -dns01 ${dnsServer},${this.host.address}:53 -management ${management.slice("http://".length)}`;
    this.must(["bash", "-c", `systemd-run --quiet --unit=dns pebble-challtestsrv ${flags}`]);
    for (const each of askedBy) {
      const address = each === this.host ? "127.0.0.1" : this.host.address;
      writeFileSync(`${each.root}/etc/resolv.conf`, `nameserver ${address}\n`);
    }
  }

  /** Replaces the answers for a name. */
  set(name: string, { a = [], aaaa = [], cname, fails, isSilent }: DnsAnswer): void {
    const requests: [path: string, body: object][] = [
      ["clear-a", {}],
      ["clear-aaaa", {}],
      ["clear-cname", {}],
      ["clear-servfail", {}],
    ];
    if (a.length > 0) requests.push(["add-a", { addresses: a }]);
    if (aaaa.length > 0) requests.push(["add-aaaa", { addresses: aaaa }]);
    if (cname !== undefined) requests.push(["set-cname", { target: cname }]);
    if (fails) requests.push(["set-servfail", {}]);
    const words = requests.flatMap(([path, body], i) => [
      ...(i === 0 ? [] : ["--next"]),
      ...["-sS", "--fail", "--retry", "20", "--retry-connrefused", "--retry-delay", "1"],
      ...["-d", JSON.stringify({ host: name, ...body }), `${management}/${path}`],
    ]);
    this.must(["curl", ...words]);
    if (isSilent) this.silent.add(name);
    else this.silent.delete(name);
    this.silence();
  }

  /** Drops the queries for the silent names, and no others. */
  private silence(): void {
    const nft = this.host.onItsNetwork("nft");
    const rules = [...this.silent].map((name) => `add rule inet dns in udp dport 53 ${matching(name)} drop`);
    const chain = "add chain inet dns in { type filter hook input priority 0; }";
    const text = ["add table inet dns", chain, "flush chain inet dns in", ...rules].join("; ");
    const { code, stderr } = run([nft, text]);
    if (code !== 0) throw new Error(`${text}: ${stderr}`);
  }

  private must(argv: readonly string[]): void {
    const { code, stdout, stderr } = this.host.raw(argv);
    if (code !== 0) throw new Error(`${argv.join(" ")} failed\n${stdout}${stderr}`);
  }
}

/** Returns the condition of nftables that a packet asks for a name. The name follows two headers, of 8 and 12 bytes. */
function matching(name: string): string {
  const labels = name.split(".").map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]));
  const wire = Buffer.concat([...labels, Buffer.from([0])]);
  const parts: string[] = [];
  // One comparison has at most 16 bytes.
  for (let at = 0; at < wire.length; at += 16) {
    const piece = wire.subarray(at, at + 16);
    parts.push(`@th,${8 * (8 + 12 + at)},${8 * piece.length} 0x${piece.toString("hex")}`);
  }
  return parts.join(" ");
}
