import { expect, test } from "bun:test";
import fc from "fast-check";
import { canonicalAddress, firstAddress, isLocalAddress, overlap } from "../../src/ssh/address.ts";

test("addresses: each spelling of an address has one canonical one, and other texts have none", () => {
  const spellings: Record<string, string | null> = {
    "192.0.2.1": "192.0.2.1",
    "::ffff:192.0.2.1": "192.0.2.1",
    "2001:DB8:0::01": "2001:db8::1",
    "256.0.0.1": null,
    "1.2.3": null,
    "admin.example": null,
    "": null,
    "2001:db8::1%eth0": null,
    "]/x": null,
  };
  for (const [text, address] of Object.entries(spellings))
    expect([text, canonicalAddress(text)]).toEqual([text, address]);
});

test("addresses: those of the host itself and of one link are local", () => {
  const local = ["127.0.0.1", "::1", "169.254.1.1", "fe80::1", "febf::1"];
  const others = ["192.0.2.1", "2001:db8::1", "fd00::1", "10.0.0.1"];
  expect([local.every(isLocalAddress), others.some(isLocalAddress)]).toEqual([true, false]);
});

test("addresses: networks overlap if they share an address", () => {
  const pairs: [one: string, other: string, isShared: boolean][] = [
    ["198.18.0.0/15", "198.19.255.1", true],
    ["198.18.0.0/16", "198.19.0.1", false],
    ["10.0.0.0/8", "10.1.0.0/16", true],
    ["0.0.0.0/0", "192.0.2.1", true],
    ["2001:db8::/32", "2001:db8:1::5", true],
    ["2001:db8::/64", "2001:db8:0:1::5", false],
    ["::/0", "192.0.2.1", false],
    ["192.0.2.1/x", "192.0.2.1", false],
    ["host", "host", false],
  ];
  for (const [one, other, isShared] of pairs) {
    expect([one, other, overlap(one, other), overlap(other, one)]).toEqual([one, other, isShared, isShared]);
  }
});

test("addresses: any address is in its own networks, and canonical spelling is a fixed point", () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.nat(32), (text, bits) => {
      const address = canonicalAddress(text);
      // The URL parser of the runtime does not read every spelling of an address that ends like one of IPv4.
      fc.pre(address !== null);
      expect(canonicalAddress(address)).toBe(address);
      expect(overlap(`${address}/${bits}`, address)).toBe(true);
    }),
  );
});

test("addresses: the first one of a network is one that a host can have", () => {
  const first = ["203.0.113.0/24", "10.0.0.4/31", "192.0.2.7", "192.0.2.7/32", "2001:db8::/32", "2001:db8::a0/124"];
  expect(first.map(firstAddress)).toEqual([
    ...["203.0.113.1", "10.0.0.5", "192.0.2.7", "192.0.2.7", "2001:db8::1", "2001:db8::a1"],
  ]);
  expect(firstAddress("2001:db8::7/128")).toBe("2001:db8::7");
});
