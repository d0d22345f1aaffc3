// The rotation of the logs on a Debian in memory.

import { expect, test } from "bun:test";
import { typed } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";

test("host logrotate: writes the settings of the Python version, keeps a foreign file, and has nothing to do again", async () => {
  const host = fakeDebian();
  host.put("/etc/logrotate.d/edox-ops", "/var/log/edox-ops/*.log { daily }\n");
  const last = "Logrotate configured at /etc/logrotate.d/edox-ops for /var/log/edox-ops/*.log\n";
  expect(await typed("host logrotate --yes", host)).toMatchObject({
    exit: 0,
    err: "",
    out: expect.stringContaining(last),
  });
  const text = host.text("/etc/logrotate.d/edox-ops");
  expect(text?.match(/^ {4}.*$/gm)?.map((line) => line.trim())).toEqual([
    ...["weekly", "rotate 8", "compress", "delaycompress", "missingok", "notifempty", "create 0640 root adm"],
  ]);
  const copies = Object.keys(host.listing()).filter((path) => path.startsWith("/etc/edox-ops/replaced/edox-ops."));
  expect(copies).toHaveLength(1);
  expect([host.stat("/etc/edox-ops")?.mode, host.stat("/etc/edox-ops/replaced")?.mode]).toEqual([0o750, 0o700]);
  expect((await typed("host logrotate --check", host)).exit).toBe(0);
});
