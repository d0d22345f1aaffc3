// Which releases are trusted: not what a server claims, but what one of our keys has signed.

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import fc from "fast-check";
import { fetchPublished, isOlder, isVersion } from "../../src/self-update/published.ts";
import { isSigned } from "../../src/signature/ecdsa.ts";
import { fakeHost } from "../fake-host.ts";
import { makeKeys, sign } from "../install/release.ts";

const dir = mkdtempSync(`${tmpdir()}/edox-published-`);
const [ours, next, foreign] = [makeKeys(dir), makeKeys(dir), makeKeys(dir)];
afterAll(() => rmSync(dir, { recursive: true }));

const base = "https://releases.test";
const digest = "a".repeat(64);
const sumsOf = (version: string): string => `${digest}  edox-ops-linux-x64\n${digest}  edox-ops_${version}_amd64.deb\n`;

function signature(sums: string, keys = ours): Uint8Array {
  writeFileSync(`${dir}/SHA256SUMS`, sums);
  sign(dir, keys);
  return readFileSync(`${dir}/SHA256SUMS.sig`);
}

/** Returns a host that serves these files by URL. */
function serving(files: Record<string, string | Uint8Array>) {
  const host = fakeHost();
  host.served.push((_, url) => {
    const file = files[url];
    return file === undefined ? { status: 404, reason: "" } : { status: 200, body: Buffer.from(file as string) };
  });
  return host;
}

function release(version: string, place = `v${version}/downloads`, keys = ours): Record<string, string | Uint8Array> {
  const sums = sumsOf(version);
  return { [`${base}/${place}/SHA256SUMS`]: sums, [`${base}/${place}/SHA256SUMS.sig`]: signature(sums, keys) };
}

const releaseSource = { base, keys: ours.publicKey };
const latest = "permalink/latest/downloads";

describe("published", () => {
  test("returns the requested or the latest release, with the URLs of its assets", async () => {
    const host = serving({ ...release("1.2.3"), ...release("1.10.0", latest) });
    const one = await fetchPublished(host, releaseSource, "1.2.3");
    expect([one.version, one.sumOf("edox-ops-linux-x64"), one.sumOf("none")]).toEqual(["1.2.3", digest, undefined]);
    const last = await fetchPublished(host, releaseSource, null);
    expect([last.version, last.addressOf("a.deb")]).toEqual(["1.10.0", `${base}/v1.10.0/downloads/a.deb`]);
  });

  test("uses one folder per version if the URL contains {version}, where no release is the latest", async () => {
    const sums = sumsOf("1.2.3");
    const flat = "https://registry.test/generic/edox-ops/1.2.3";
    const host = serving({ [`${flat}/SHA256SUMS`]: sums, [`${flat}/SHA256SUMS.sig`]: signature(sums) });
    const registry = { ...releaseSource, base: "https://registry.test/generic/edox-ops/{version}" };
    expect((await fetchPublished(host, registry, "1.2.3")).addressOf("a.deb")).toBe(`${flat}/a.deb`);
    await expect(fetchPublished(host, registry, null)).rejects.toThrow("does not report the latest release");
  });

  test("accepts a release signed by the next key only with both keys, not with the old key alone", async () => {
    const host = serving(release("2.0.0", undefined, next));
    const both = { base, keys: `Two keys.\n${ours.publicKey}${next.publicKey}` };
    expect((await fetchPublished(host, both, "2.0.0")).version).toBe("2.0.0");
    await expect(fetchPublished(host, releaseSource, "2.0.0")).rejects.toThrow("the signature of");
  });

  test("rejects a foreign signature, changed checksums, and an incomplete or missing signature", async () => {
    const good = release("1.2.3");
    const [sums, sig] = Object.keys(good) as [string, string];
    const signed = good[sig] as Uint8Array;
    for (const changed of [
      { [sig]: signature(sumsOf("1.2.3"), foreign) },
      { [sums]: sumsOf("1.2.3").replace("a", "b") },
      { [sig]: signed.subarray(0, 40) },
      { [sig]: "" },
      { [sig]: "<!doctype html>" },
    ]) {
      await expect(fetchPublished(serving({ ...good, ...changed }), releaseSource, "1.2.3")).rejects.toThrow(
        "is wrong",
      );
    }
    await expect(fetchPublished(serving({ [sums]: sumsOf("1.2.3") }), releaseSource, "1.2.3")).rejects.toThrow(
      `${sig} cannot be fetched: 404`,
    );
  });

  test("rejects a signature with any byte changed", async () => {
    const good = release("1.2.3");
    const sig = Object.keys(good)[1] as string;
    const signed = good[sig] as Uint8Array;
    await fc.assert(
      fc.asyncProperty(fc.nat(signed.length - 1), fc.integer({ min: 1, max: 255 }), async (at, by) => {
        const bent = Uint8Array.from(signed, (byte, i) => (i === at ? byte ^ by : byte));
        await expect(fetchPublished(serving({ ...good, [sig]: bent }), releaseSource, "1.2.3")).rejects.toThrow(
          "is wrong",
        );
      }),
      { numRuns: 300 },
    );
  });

  test("rejects a signed release with another version number or none", async () => {
    const old = Object.values(release("1.0.0")) as [string, Uint8Array];
    const moved = {
      [`${base}/v1.2.3/downloads/SHA256SUMS`]: old[0],
      [`${base}/v1.2.3/downloads/SHA256SUMS.sig`]: old[1],
    };
    await expect(fetchPublished(serving(moved), releaseSource, "1.2.3")).rejects.toThrow(
      "is edox-ops 1.0.0, not 1.2.3",
    );
    const none = `${digest}  install.sh\n`;
    const bare = { [`${base}/${latest}/SHA256SUMS`]: none, [`${base}/${latest}/SHA256SUMS.sig`]: signature(none) };
    await expect(fetchPublished(serving(bare), releaseSource, null)).rejects.toThrow(
      "is no version of edox-ops, not a release",
    );
  });

  test("sends no request without a key to verify with", async () => {
    const host = serving(release("1.2.3"));
    await expect(fetchPublished(host, { base, keys: "No key yet.\n" }, "1.2.3")).rejects.toThrow(
      "without a release key",
    );
    expect(host.asked).toEqual([]);
  });
});

describe("isSigned", () => {
  const sums = sumsOf("1.2.3");
  /** The number of points on P-256 (SEC 2): r and s are less than it, and neither is zero. */
  const order = Buffer.from("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", "hex");
  const [zero, one] = [Buffer.of(0), Buffer.of(1)];
  /** 32 bytes each. */
  let [r, s]: [Buffer, Buffer] = [zero, zero];
  // A set sign bit in r exposes code that accepts negative numbers; a clear one in s exposes code that accepts a
  // leading zero.
  while (!isHigh(r) || isHigh(s)) [r, s] = integersOf(Buffer.from(signature(sums)));
  const signed = sequence(integer(r), integer(s));

  function isHigh([first = 0]: Buffer): boolean {
    return first > 127;
  }

  function integersOf(der: Buffer): [Buffer, Buffer] {
    const end = 4 + (der[3] ?? 0);
    const whole = (bytes: Buffer): Buffer => Buffer.concat([Buffer.alloc(32), bytes]).subarray(-32);
    return [whole(der.subarray(4, end)), whole(der.subarray(end + 2))];
  }

  /** Encodes an integer in DER, without redundant leading zeros. */
  function integer(bytes: Buffer): Buffer {
    const start = bytes.findIndex((byte) => byte !== 0);
    const digits = bytes.subarray(start < 0 ? -1 : start);
    return tagged(2, isHigh(digits) ? Buffer.concat([zero, digits]) : digits);
  }

  function sequence(...parts: Buffer[]): Buffer {
    return tagged(0x30, Buffer.concat(parts));
  }

  function tagged(tag: number, bytes: Buffer): Buffer {
    return Buffer.concat([Buffer.of(tag, bytes.length), bytes]);
  }

  const forms: [string, Buffer][] = [
    ["r and s of zero", sequence(integer(zero), integer(zero))],
    ["r of zero", sequence(integer(zero), integer(s))],
    ["s of zero", sequence(integer(r), integer(zero))],
    ["r and s of one", sequence(integer(one), integer(one))],
    ["r of the order", sequence(integer(order), integer(s))],
    ["s of the order", sequence(integer(r), integer(order))],
    ["r and s of the order", sequence(integer(order), integer(order))],
    ["r and s exchanged", sequence(integer(s), integer(r))],
    ["empty integers", sequence(tagged(2, Buffer.alloc(0)), tagged(2, Buffer.alloc(0)))],
    ["a negative r", sequence(tagged(2, r), integer(s))],
    ["s with a redundant leading zero", sequence(integer(r), tagged(2, Buffer.concat([zero, s])))],
    ["r with two leading zeros", sequence(tagged(2, Buffer.concat([zero, zero, r])), integer(s))],
    ["a third integer", sequence(integer(r), integer(s), integer(one))],
    ["a trailing byte inside the sequence", sequence(integer(r), integer(s), zero)],
    ["a trailing byte after the sequence", Buffer.concat([signed, zero])],
    ["a length in long form", Buffer.concat([Buffer.of(0x30, 0x81), signed.subarray(1)])],
    ["an indefinite length", Buffer.concat([Buffer.of(0x30, 0x80), signed.subarray(2), Buffer.alloc(2)])],
    ["a set instead of a sequence", tagged(0x31, signed.subarray(2))],
    ["raw r and s without DER", Buffer.concat([r, s])],
    ["base64 text", Buffer.from(signed.toString("base64"))],
  ];
  for (const [form, bytes] of forms) {
    test(`rejects ${form}`, async () => {
      expect(await isSigned(Buffer.from(sums), bytes, ours.publicKey)).toBe(false);
    });
  }

  test("accepts s replaced by its negative, which ECDSA cannot distinguish from the signer's own", async () => {
    const number = (bytes: Buffer): bigint => BigInt(`0x${bytes.toString("hex")}`);
    const opposite = Buffer.from((number(order) - number(s)).toString(16).padStart(64, "0"), "hex");
    for (const bytes of [signed, sequence(integer(r), integer(opposite))]) {
      expect(await isSigned(Buffer.from(sums), bytes, ours.publicKey)).toBe(true);
    }
  });
});

test("versions: are three numbers, and are compared by number", () => {
  for (const version of ["0.1.0", "10.20.30"]) expect(isVersion(version)).toBe(true);
  for (const other of ["", "1", "1.2", "1.2.3.4", "01.2.3", "1.2.3-rc1", "v1.2.3", "1.2.3\n", "../1.2.3"]) {
    expect(isVersion(other)).toBe(false);
  }
  const ordered = ["0.9.9", "0.10.0", "1.2.3", "1.2.10", "1.10.0", "2.0.0"];
  for (const [i, one] of ordered.entries()) {
    for (const [j, other] of ordered.entries()) expect(isOlder(one, other)).toBe(i < j);
  }
});
