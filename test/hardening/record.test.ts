// The record of the host commands: read, changed and refused on a host in memory.

import { expect, test } from "bun:test";
import { type HostRecord, readHostRecord, recordFile } from "../../src/hardening/record.ts";
import { fakeDebian } from "../fake-debian.ts";
import type { FakeHost } from "../fake-host.ts";

const path = "/etc/edox-ops/host.json";

async function planned(host: FakeHost, edit: (before: HostRecord) => HostRecord): Promise<unknown> {
  const [change] = await recordFile(edit).check(host, [], () => undefined);
  if (change === undefined) return "unchanged";
  return change.kind === "file" ? { mode: change.mode, json: JSON.parse(String(change.after)) } : change.kind;
}

test("host.json: an edit keeps the keys of other commands and unknown keys", async () => {
  const host = fakeDebian();
  expect(readHostRecord(host)).toEqual({});
  const before = { ssh_port: 2222, firewall: { allow: [], opened: ["allow 2222/tcp"], later: 1 }, new_key: { a: [1] } };
  host.put(path, JSON.stringify(before));
  expect(await planned(host, (record) => ({ ...record, enabled: ["fail2ban.service"] }))).toEqual({
    mode: 0o600,
    json: { ...before, enabled: ["fail2ban.service"] },
  });
});

test("host.json: an edit that changes nothing keeps the bytes, and one that empties the record removes the file", async () => {
  const host = fakeDebian();
  host.put(path, '{"ssh_port":22}', { mode: 0o600 });
  expect(await planned(host, (record) => ({ ...record, firewall: undefined }))).toBe("unchanged");
  expect(await planned(host, () => ({}))).toBe("removal");
});

test.each([
  ["[", "it is not JSON"],
  ["[]", "the record"],
  ['{"ssh_port": 65536}', "ssh_port"],
  ['{"firewall": {"opened": ["--force reset"]}}', "firewall.opened.0: is not a rule"],
  ['{"firewall": {"opened": ["allow 22/tcp --dry-run"]}}', "firewall.opened.0: is not a rule"],
  ['{"firewall": {"allow": ["22"]}}', "firewall.allow.0: is not a port"],
  ['{"enabled": ["--now"]}', "enabled.0: is not the name of a unit"],
])("host.json: %p is refused with the place and a command that shows the file", (text, reason) => {
  const host = fakeDebian();
  host.put(path, text);
  expect(() => readHostRecord(host)).toThrow(`${path} is invalid: ${reason}`);
});
