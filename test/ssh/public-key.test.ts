// Public keys as ssh-keygen writes them, and files that are none.

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import fc from "fast-check";
import { generateKey } from "../../src/deploy-keys/generate.ts";
import { readPublicKey } from "../../src/ssh/public-key.ts";

const dir = mkdtempSync(`${tmpdir()}/edox-public-keys-`);
afterAll(() => rmSync(dir, { recursive: true }));

function keygen(...flags: string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync(["ssh-keygen", ...flags]);
  if (exitCode !== 0) throw new Error(String(stderr));
  return String(stdout);
}

function made(name: string, ...flags: string[]): string {
  keygen("-q", "-N", "", "-C", "a comment", "-f", `${dir}/${name}`, ...flags);
  return readFileSync(`${dir}/${name}.pub`, "utf8");
}

const ed25519 = made("ed25519", "-t", "ed25519");

describe("public key:", () => {
  const accepted: Record<string, string[]> = {
    ed25519: ["-t", "ed25519"],
    "ecdsa 256": ["-t", "ecdsa", "-b", "256"],
    "ecdsa 384": ["-t", "ecdsa", "-b", "384"],
    "ecdsa 521": ["-t", "ecdsa", "-b", "521"],
    "rsa 3072": ["-t", "rsa", "-b", "3072"],
  };
  for (const [name, flags] of Object.entries(accepted)) {
    test(`${name} is accepted without its comment, with the fingerprint of ssh-keygen`, () => {
      const file = name.replace(" ", "-");
      const text = name === "ed25519" ? ed25519 : made(file, ...flags);
      const fingerprint = keygen("-l", "-f", `${dir}/${file}.pub`).split(" ")[1] as string;
      expect(readPublicKey(text)).toEqual({ line: text.split(" ").slice(0, 2).join(" "), fingerprint });
    });
  }

  test("a security key is accepted: the type, the point and the application", () => {
    const wire = (...parts: (string | Buffer)[]): string => {
      const bytes = parts.map((part) => {
        const content = Buffer.from(part as string);
        const length = Buffer.alloc(4);
        length.writeUInt32BE(content.length);
        return Buffer.concat([length, content]);
      });
      return Buffer.concat(bytes).toString("base64");
    };
    const type = "sk-ssh-ed25519@openssh.com";
    expect(readPublicKey(`${type} ${wire(type, Buffer.alloc(32), "ssh:")}`)).toHaveProperty("fingerprint");
    expect(readPublicKey(`${type} ${wire(type, Buffer.alloc(31), "ssh:")}`)).toHaveProperty("reason");
    const ecdsa = "sk-ecdsa-sha2-nistp256@openssh.com";
    const point = Buffer.alloc(65, 4);
    expect(readPublicKey(`${ecdsa} ${wire(ecdsa, "nistp256", point, "ssh:")}`)).toHaveProperty("fingerprint");
    expect(readPublicKey(`${ecdsa} ${wire(ecdsa, "nistp384", point, "ssh:")}`)).toHaveProperty("reason");
    expect(readPublicKey(`ssh-dss ${wire("ssh-dss", "p", "q", "g", "y")}`)).toEqual({
      reason: expect.stringContaining("is of the type ssh-dss: only ed25519, ecdsa, sk, or rsa"),
    });
    const certificate = "ssh-ed25519-cert-v01@openssh.com";
    expect(readPublicKey(`${certificate} ${wire(certificate, "nonce")}`)).toHaveProperty("reason");
  });

  const key = ed25519.split(" ").slice(0, 2).join(" ");
  const base64 = key.split(" ")[1] as string;
  const refused: Record<string, [text: string, reason: string]> = {
    "an empty file": ["\n", "is empty"],
    "two keys": [`${key}\n${key}\n`, "has more than one line"],
    "options before the key": [`command="sh" ${key}`, "does not begin with the type of a key"],
    "an option without a value": [`no-pty ${key}`, "does not begin with the type of a key"],
    "a carriage return within the line": [`${key} a\rssh-ed25519 ${base64}`, "control characters"],
    "a NUL": [`${key} a\0b`, "control characters"],
    "a comment line before it": [`# mine\n${key}`, "has more than one line"],
    "a private key": [readFileSync(`${dir}/ed25519`, "utf8"), "is a private key"],
    "a private key of PuTTY": ["PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n", "is a private key"],
    "a public key of RFC 4716": ["---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n", "is not in the format of OpenSSH"],
    "a public key of OpenSSL": ["-----BEGIN PUBLIC KEY-----\nAAAA\n", "is not in the format of OpenSSH"],
    "base64 with a line break": [`ssh-ed25519 ${base64.slice(0, 20)}\n${base64.slice(20)}`, "more than one line"],
    "base64 that is cut off": [key.slice(0, -4), "is not a valid ssh-ed25519 key"],
    "base64 with other spelling": [`ssh-ed25519 ${base64}=`, "no valid base64"],
    "quotes in the base64": [`ssh-ed25519 ${base64}",command="sh`, "no valid base64"],
    "another type than that in the base64": [`ssh-rsa ${base64}`, "is not a valid ssh-rsa key"],
    "a type of the runtime": [`constructor ${base64}`, "does not begin with the type"],
    "a large file": ["a".repeat(20_000), "is larger than any public key"],
    "rsa of 2048 bits": [made("rsa-2048", "-t", "rsa", "-b", "2048"), "is an rsa key of 2048 bits"],
  };
  for (const [name, [text, reason]] of Object.entries(refused)) {
    test(`${name} is refused`, () => {
      expect(readPublicKey(text)).toEqual({ reason: expect.stringContaining(reason) });
    });
  }

  test("a comment is never part of the line, and no text makes one with another character", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (comment) => {
        const read = readPublicKey(`${key} ${comment}`);
        if ("line" in read) expect(read.line).toBe(key);
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const read = readPublicKey(text);
        if ("line" in read) expect(read.line).toMatch(/^[a-z0-9@.-]+ [A-Za-z0-9+/]+=*$/);
      }),
    );
  });
});

test("generated key: ssh-keygen reads the private key, and finds the same public key and comment", async () => {
  const { line, fingerprint, privateKey } = await generateKey("docs/ci");
  writeFileSync(`${dir}/generated`, privateKey.reveal(), { mode: 0o600 });
  expect(keygen("-y", "-f", `${dir}/generated`)).toBe(`${line} docs/ci\n`);
  expect(readPublicKey(line)).toEqual({ line, fingerprint });
  expect((await generateKey("docs/ci")).line).not.toBe(line);
});
