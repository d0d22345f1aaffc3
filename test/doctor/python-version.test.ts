// Tests that doctor finds the Python version beside this program, and how to remove it.

import { expect, test } from "bun:test";
import { typed } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";
import type { FakeHost } from "../fake-host.ts";

function install(host: FakeHost, dir: string): void {
  host.put(`${dir}/edox_ops/cli.py`, "");
  host.put(`${dir}/edox_ops-0.1.0.dist-info/METADATA`, "Name: edox-ops\n");
}

const script = (python: string): string => `#!${python}\nimport sys\nfrom edox_ops.cli import app\n`;

async function line(host: FakeHost): Promise<string> {
  const { out } = await typed("doctor", host);
  return out.split("\n").find((each) => each.includes("host:python-version")) ?? "";
}

const places: [string, (host: FakeHost) => void, string, string][] = [
  [
    "a virtual environment that a link leads into",
    (host) => {
      install(host, "/var/lib/tools/edox/lib/python3.11/site-packages");
      host.put("/var/lib/tools/edox/bin/edox-ops", script("/var/lib/tools/edox/bin/python3"));
      host.link("/usr/local/bin/edox-ops", "/var/lib/tools/edox/bin/edox-ops");
    },
    "/var/lib/tools/edox",
    "rm -r /var/lib/tools/edox/lib/python3.11/site-packages/edox_ops /var/lib/tools/edox/lib/python3.11/site-packages/edox_ops-0.1.0.dist-info /usr/local/bin/edox-ops /var/lib/tools/edox/bin/edox-ops",
  ],
  [
    "the system's Python, whose script this program has replaced",
    (host) => {
      install(host, "/usr/local/lib/python3.11/dist-packages");
      host.put("/usr/local/bin/edox-ops", "\u007fELF");
    },
    "/usr/local",
    "rm -r /usr/local/lib/python3.11/dist-packages/edox_ops /usr/local/lib/python3.11/dist-packages/edox_ops-0.1.0.dist-info)",
  ],
  [
    "the system's Python, with its script",
    (host) => {
      install(host, "/usr/local/lib/python3.11/dist-packages");
      host.put("/usr/local/bin/edox-ops", script("/usr/bin/python3"));
    },
    "/usr/local",
    "edox_ops-0.1.0.dist-info /usr/local/bin/edox-ops)",
  ],
  [
    "pipx of root",
    (host) => install(host, "/root/.local/share/pipx/venvs/edox-ops/lib/python3.13/site-packages"),
    "/root/.local/share/pipx/venvs/edox-ops",
    "rm -r /root/.local/share/pipx/venvs/edox-ops/lib/python3.13/site-packages/edox_ops ",
  ],
  [
    "a user's home",
    (host) => install(host, "/home/ann/.local/lib/python3.11/site-packages"),
    "/home/ann/.local",
    "runuser -u ann -- rm -r /home/ann/.local/lib/python3.11/site-packages/edox_ops ",
  ],
];

for (const [what, prepare, prefix, hint] of places) {
  test(`doctor: the Python version in ${what} is reported with the command that removes only it`, async () => {
    const host = fakeDebian();
    prepare(host);
    const said = await line(host);
    expect(said).toStartWith(
      `[WARN] host:python-version: the Python edox-ops 0.1.0 is still installed in ${prefix}; pip uninstall would`,
    );
    expect(said).toContain(hint);
  });
}

test("doctor: a host without the Python version has no line for it", async () => {
  const host = fakeDebian();
  host.put("/usr/local/bin/edox-ops", script("/usr/bin/python3"));
  host.put("/opt/readme", "");
  host.dir("/home/ann/.local/lib/python3.11/site-packages/edox_ops_plugin-1.dist-info");
  expect(await line(host)).toBe("");
  expect(await line(fakeDebian({ uid: 1000 }))).toBe("");
});
