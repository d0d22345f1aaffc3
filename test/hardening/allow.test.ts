// The values of --allow, also from hostile callers: each becomes words of a command, and lines of a file for nft.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Allowed, readAllowed, spellAllowed } from "../../src/hardening/firewall/allow.ts";
import { readRule, spellRule } from "../../src/hardening/firewall/rules.ts";
import { typedWords } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";
import { addUfw } from "./fake-ufw.ts";

test.each([
  ["8080", "8080/tcp"],
  ["53/udp", "53/udp"],
  ["5432/tcp@10.0.0.0/8", "5432/tcp@10.0.0.0/8"],
  ["5432@192.0.2.7/32", "5432/tcp@192.0.2.7"],
  ["443/udp@2001:DB8:0::/32", "443/udp@2001:db8::/32"],
  ["65535@::1", "65535/tcp@::1"],
])("--allow %s allows %s, and as a rule of ufw it is read again", (text, spelled) => {
  const allowed = readAllowed(text) as Allowed;
  expect(spellAllowed(allowed)).toBe(spelled);
  const rule = { action: "allow", ...allowed } as const;
  expect(readRule(spellRule(rule))).toEqual(rule);
});

const invalid = [
  ...[
    "0",
    "65536",
    "-1",
    "8080/sctp",
    "8080/",
    "8080@",
    "http",
    "8080:8090",
    "80,443",
    "8080/tcp/udp",
    " 8080",
    "8080 ",
  ],
  ...["8080\n", "8080/tcp@10.0.0.0/8\nallow 22", "8080@10.0.0.1/8", "8080@10.0.0.0/33", "8080@example.org", "٣٠"],
  ...["8080@0.0.0.0/0", "8080@::/0", "8080@::ffff:10.0.0.1", "8080@fe80::1%eth0", "8080@--force", "--force", "8e3"],
];

test.each(invalid)("--allow %j is refused", (text) => {
  expect(readAllowed(text)).toHaveProperty("reason");
});

test.each(["8080@0.0.0.0/0", "", "8080; reboot", "8080,--force"])(
  "host firewall: --allow %j is a usage error, and nothing runs",
  async (text) => {
    const host = fakeDebian();
    addUfw(host);
    expect((await typedWords(["host", "firewall", "--yes", "--allow", text], host)).exit).toBe(2);
    expect(host.ran).toEqual([]);
  },
);

test("any text is refused, or spells words without a flag, a quote or a line break", () => {
  const address = fc.oneof(fc.ipV4(), fc.ipV6(), fc.string());
  const near = fc
    .tuple(fc.integer({ min: -1, max: 70_000 }), fc.constantFrom("", "/tcp", "/udp", "/x"), fc.option(address))
    .map(([port, protocol, from]) => `${port}${protocol}${from === null ? "" : `@${from}`}`);
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary" }), near), (text) => {
      const allowed = readAllowed(text);
      if ("reason" in allowed) return;
      const rule = { action: "limit", ...allowed } as const;
      expect(spellRule(rule)).toMatch(
        /^limit (?:from [0-9a-f.:/]+ to any port \d+ proto (?:tcp|udp)|\d+\/(?:tcp|udp))$/,
      );
      expect(readRule(spellRule(rule))).toEqual(rule);
      expect(readAllowed(spellAllowed(allowed))).toEqual(allowed);
    }),
    { numRuns: 300 },
  );
}, 30_000);
