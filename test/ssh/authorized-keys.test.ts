import { expect, test } from "bun:test";
import fc from "fast-check";
import { authorizedKeys, opensShell } from "../../src/ssh/authorized-keys.ts";
import { processorTime } from "../processor-time.ts";

const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEJSmVfhsxpzVOwlJ3rWwDvGjtmlXKOxrbbVoJTe+nll";
const now = Date.UTC(2026, 10, 29, 12);
const keysOf = (text: string) => authorizedKeys(Buffer.from(text, "latin1"));
const opens = (options: string, address: string | null = "192.0.2.7"): boolean => {
  const [found] = keysOf(`${options}${options && " "}${key} me@laptop`);
  return found !== undefined && opensShell(found, address, now);
};

test("authorized keys: comments, broken lines, certificate authorities and bytes that are no text are no keys", () => {
  const text = [
    "# a comment",
    "",
    `  ${key}`,
    `${key} with a comment`,
    "ssh-ed25519 AAAA",
    "ssh-ed25519",
    "nonsense",
    `cert-authority ${key}`,
    `command="echo \\"a b\\"",no-pty ${key}`,
    "\xff\xfe\x00",
    'command="never closed ssh-ed25519 AAAA',
  ];
  const keys = keysOf(text.join("\n"));
  expect(keys.map(({ type }) => type)).toEqual(["ssh-ed25519", "ssh-ed25519", "ssh-ed25519"]);
  expect(keys[2]?.options.get("command")).toBe('echo "a b"');
  expect(keys[0]?.fingerprint).toMatch(/^SHA256:[\w+/]{43}$/);
});

test("authorized keys: a key opens a shell unless it has a command, has expired or names other addresses", () => {
  const expected: [options: string, opens: boolean][] = [
    ["", true],
    ["no-pty,restrict", true],
    ['command="ls"', false],
    ['COMMAND="ls"', false],
    ['environment="A=command="', true],
    ['expiry-time="20261201"', true],
    ['expiry-time="202611291300Z"', true],
    ['expiry-time="20261129120000Z"', false],
    // In a zone ahead of UTC it may be over.
    ['expiry-time="202611291300"', false],
    ['expiry-time="20261130"', false],
    ['expiry-time="soon"', false],
    ['from="192.0.2.0/24"', true],
    ['from="192.0.2.*"', true],
    ['from="10.0.0.0/8,192.0.2.7"', true],
    ['from="!192.0.2.7,*"', false],
    ['from="10.0.0.0/8"', false],
    ['from="laptop.example"', false],
    ['from="2001:db8::/32"', false],
  ];
  for (const [options, isOpen] of expected) expect([options, opens(options)]).toEqual([options, isOpen]);
  expect([opens('from="2001:db8::/32"', "2001:db8::1"), opens('from="10.0.0.1"', null)]).toEqual([true, true]);
});

test("authorized keys: no content of a file is an error", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.string(), (bytes, options) => {
      for (const found of [...authorizedKeys(bytes), ...keysOf(`${options} ${key}`)])
        opensShell(found, "192.0.2.7", now);
    }),
  );
});

test("authorized keys: lines that a user has made to take long are read at once", async () => {
  const megabyte = 1_000_000;
  const lines = [
    `${"a".repeat(megabyte)}! ${key}`,
    `${'a="b",'.repeat(megabyte / 6)}! ${key}`,
    `a="${'\\"'.repeat(megabyte / 2)}!" ${key}`,
    `"${'\\"'.repeat(megabyte / 2)} ${key}`,
  ];
  const seconds = await processorTime(() => {
    for (const line of lines) keysOf(line);
    expect(opens(`from="${"*".repeat(24)}x"`)).toBe(false);
    expect(opens(`from="${"*?".repeat(megabyte / 2)}"`)).toBe(false);
  });
  expect(seconds).toBeLessThan(3);
});

test("authorized keys: an option has a value up to the comma that is not in quotes", () => {
  const [found] = keysOf(`no-pty,From="10.0.0.1,*",environment="A=\\"b\\"",command=ls ${key}`);
  expect([...(found?.options ?? [])]).toEqual([
    ["no-pty", ""],
    ["from", "10.0.0.1,*"],
    ["environment", 'A="b"'],
    ["command", "ls"],
  ]);
});
