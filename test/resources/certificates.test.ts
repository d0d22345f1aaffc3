import { expect, test } from "bun:test";
import { certificatesWhole, storePath } from "../../src/resources/certificates.ts";
import { typed } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";

test("a store of certificates that a power cut left missing, empty or full of holes is told and made anew", async () => {
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

test("where the package is about to be there, it makes the store itself", () => {
  const host = fakeDebian();
  const comes = { kind: "packages" as const, names: ["ca-certificates"] };
  expect(certificatesWhole.check(host, [comes], () => {})).toEqual([]);
});
