import { expect, test } from "bun:test";
import { certificatesComplete, storePath } from "../../src/resources/certificates.ts";
import { typed } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";

test("certificates: doctor reports a missing, empty or zero-filled store, and bootstrap rebuilds it", async () => {
  for (const [content, how] of [
    [null, "missing"],
    ["", "empty"],
    [`certificate${"\0".repeat(4096)}certificate`, "damaged"],
  ] as const) {
    const host = fakeDebian();
    expect((await typed("bootstrap --yes", host)).exit).toBe(0);
    if (content === null) host.remove(storePath);
    else host.put(storePath, content);
    expect((await typed("doctor", host)).out).toContain(`[FAIL] host:certificates: ${storePath} is ${how}: no TLS`);
    expect((await typed("bootstrap --yes", host)).exit).toBe(0);
    expect(host.ran.at(-1)).toBe("update-ca-certificates --fresh");
    expect(host.text(storePath)).toBe("certificates");
  }
});

test("certificates: a store without its links is rebuilt, and one with additional certificates is not", () => {
  const host = fakeDebian();
  host.put(storePath, "-----BEGIN CERTIFICATE-----\n".repeat(4));
  const check = () => certificatesComplete(["still-to-come"]).check(host, [], () => {});
  expect(check()).toMatchObject([{ reason: `${storePath} is without its links: no TLS connection can be trusted` }]);
  for (const name of ["a.pem", "b.pem", "c.pem", "d.pem"]) host.link(`/etc/ssl/certs/${name}`, "/usr/share/x");
  host.link("/etc/ssl/certs/00000001.0", "a.pem");
  expect(check()).toHaveLength(1);
  for (const n of [2, 3, 4]) host.link(`/etc/ssl/certs/0000000${n}.0`, "b.pem");
  expect(check()).toEqual([]);
  host.put("/etc/ssl/certs/mine.pem", "two certificates in one file");
  expect(check()).toEqual([]);
  // A company's bundle in a single file.
  host.put(storePath, "-----BEGIN CERTIFICATE-----\n".repeat(8));
  expect(check()).toEqual([]);
});

test("certificates: a planned installation of ca-certificates needs no separate rebuild", () => {
  const host = fakeDebian();
  const comes = { kind: "packages" as const, names: ["ca-certificates"] };
  expect(certificatesComplete([]).check(host, [comes], () => {})).toEqual([]);
});
