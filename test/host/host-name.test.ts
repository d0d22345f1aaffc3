import { expect, test } from "bun:test";
import { hostName } from "../../src/host/host-name.ts";
import { fakeHost } from "../fake-host.ts";

test("host name: it is the kernel's, with other characters replaced, and one that restic and a subject line accept", () => {
  const host = fakeHost();
  expect(hostName(host)).toBe("localhost");
  for (const [name, expected] of [
    ["docs-1\n", "docs-1"],
    ["docs_1.example.org\n", "docs_1.example.org"],
    ["--bad name\n", "bad-name"],
    ["\u001b[31m\r\nBcc: all@example.org\n", "31m--Bcc--all-example.org"],
    ["(none)\n", "none-"],
    ["-\n", "localhost"],
    [`${"a".repeat(400)}\n`, "a".repeat(253)],
  ] as const) {
    host.put("/proc/sys/kernel/hostname", name);
    expect(hostName(host)).toBe(expected);
  }
});
