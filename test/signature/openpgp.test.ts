import { expect, test } from "bun:test";
import fc from "fast-check";
import { publicKeys, signers } from "../../src/signature/openpgp.ts";
import { keyring, signature } from "../openpgp.ts";

test("openpgp: the newest self-signature decides a key's expiry, and a subkey expires no later", () => {
  const keys = publicKeys(keyring({ created: 1000, lives: [500, 900], subkey: 5000 }));
  expect(keys.map((key) => key.expiresMs)).toEqual([1_900_000, 1_900_000]);
  expect(publicKeys(keyring({ created: 1000, lives: [0] }))[0]?.expiresMs).toBeNull();
  expect(publicKeys(keyring({ created: 1000, lives: [0], subkey: 300 }))[1]?.expiresMs).toBe(1_300_000);
});

test("openpgp: keys of version 6 are parsed, and signatures by other keys are ignored", () => {
  const [key] = publicKeys(keyring({ created: 1000, lives: [700], version: 6 }));
  expect(key?.expiresMs).toBe(1_700_000);
  expect(publicKeys(keyring({ created: 1000, lives: [700], issuer: "00".repeat(8) }))[0]?.expiresMs).toBeNull();
});

test("openpgp: armored and binary keys are equal with any line ends, and two blocks are two keyrings", () => {
  const binary = keyring({ created: 1000, lives: [700] });
  const armored = `-----BEGIN PGP PUBLIC KEY BLOCK-----\nComment: x\n\n${binary.toString("base64")}\n=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n`;
  expect(publicKeys(Buffer.from(armored))).toEqual(publicKeys(binary));
  expect(publicKeys(Buffer.from(armored.replaceAll("\n", "\r\n")))).toEqual(publicKeys(binary));
  expect(publicKeys(Buffer.from(armored + armored)).length).toBe(2);
});

test("openpgp: a signature names its key", () => {
  const binary = keyring({ created: 1000, lives: [700] });
  const id = publicKeys(binary)[0]?.id ?? "";
  const clear = `Origin: x\n-----BEGIN PGP SIGNATURE-----\n\n${signature(0, id).toString("base64")}\n-----END PGP SIGNATURE-----\n`;
  expect(signers(Buffer.from(clear))).toEqual([id]);
});

test("openpgp: random bytes and corrupted keyrings cause no exception and no endless loop", () => {
  const whole = keyring({ created: 1000, lives: [500, 900], subkey: 5000 });
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => Array.isArray(publicKeys(bytes))));
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), (at, value, end) => {
      const changed = Buffer.from(whole);
      changed[at] = value;
      const cut = changed.subarray(0, end);
      expect(publicKeys(cut).length).toBeLessThan(4);
      expect(signers(cut).every((id) => id.length <= 16)).toBe(true);
    }),
    { numRuns: 2000 },
  );
});
