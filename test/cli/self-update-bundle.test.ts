// What `self-update --bundle` prints, and what it refuses. test/install/update-bundle.test.ts runs the update itself.

import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { makeBundle } from "../bundle/small.ts";
import { fakeDebian } from "../fake-debian.ts";
import type { FakeHost } from "../fake-host.ts";
import { sign } from "../install/release.ts";
import { asRelease } from "./as-release.ts";
import { typed } from "./typed.ts";

const { dir, keys } = asRelease("1.2.3");
const program = "/usr/local/bin/edox-ops";
const packaged = "/usr/bin/edox-ops";
const path = "/srv/edox.tar";

/** Returns a host with this program, and a bundle with this version. No server answers. */
async function hostWith(version: string, at = program): Promise<FakeHost> {
  const host = fakeDebian();
  host.put(at, "this one", { mode: 0o755 });
  host.dir("/srv");
  const own = new Bun.CryptoHasher("sha256").update("this one").digest("hex");
  const sum = version === "1.2.3" ? own : "0".repeat(64);
  const rest = [`edox-ops-linux-x64.gz`, `edox-ops_${version}_amd64.deb`].map((name) => `${"1".repeat(64)}  ${name}\n`);
  writeFileSync(`${dir}/SHA256SUMS`, `${sum}  edox-ops-linux-x64\n${rest.join("")}`);
  sign(dir, keys);
  await makeBundle(host, path, {
    "program/edox-ops-linux-x64.gz": Buffer.from("packed"),
    "program/SHA256SUMS": readFileSync(`${dir}/SHA256SUMS`),
    "program/SHA256SUMS.sig": readFileSync(`${dir}/SHA256SUMS.sig`),
  });
  return host;
}

test("self-update --bundle --check: exits 3 for another version, with the command that installs it, and 0 for this one", async () => {
  const newer = await hostWith("1.3.0");
  expect(await typed(`self-update --bundle ${path} --check`, newer)).toEqual({
    exit: 3,
    out: `edox-ops 1.2.3 can become 1.3.0: edox-ops self-update --bundle ${path}\n`,
    err: "",
  });
  expect(newer.asked).toEqual([]);
  expect(await typed(`self-update --bundle ${path} --check`, await hostWith("1.2.3"))).toEqual({
    exit: 0,
    out: "edox-ops 1.2.3 is installed already\n",
    err: "",
  });
  const host = await hostWith("1.3.0", packaged);
  const status = host.text("/var/lib/dpkg/status") ?? "";
  host.put("/var/lib/dpkg/status", `${status}\nPackage: edox-ops\nStatus: install ok installed\nVersion: 1.2.3\n\n`);
  const line = `self-update --bundle ${path} --check`;
  expect((await typed(line, host, undefined, undefined, packaged)).out).toBe(
    "edox-ops 1.2.3 can become 1.3.0: apt-get install ./edox-ops_1.3.0_amd64.deb\n",
  );
});

test("self-update --bundle: an asset without the signed checksum is refused, and the program stays", async () => {
  const host = await hostWith("1.3.0");
  const { exit, err } = await typed(`self-update --bundle ${path}`, host);
  expect([exit, err]).toEqual([
    1,
    expect.stringContaining(`edox-ops-linux-x64.gz in ${path} does not have the signed checksum`),
  ]);
  expect(host.text(program)).toBe("this one");
});

test("self-update --bundle: refuses an older version with the command that installs it, and other flags beside it", async () => {
  const older = await typed(`self-update --bundle ${path}`, await hostWith("1.2.2"));
  expect([older.exit, older.err]).toEqual([
    1,
    expect.stringContaining(`hint: edox-ops self-update --bundle ${path} --version 1.2.2\n`),
  ]);
  for (const [flags, error] of [
    [`--bundle ${path} --rollback`, "--rollback and --bundle cannot be used together"],
    ["--key /srv/key.pem", "--key needs --bundle FILE"],
    ["--require-signature", "--require-signature needs --bundle FILE"],
  ] as const) {
    const { exit, err } = await typed(`self-update ${flags}`, await hostWith("1.3.0"));
    expect([exit, err]).toEqual([2, expect.stringContaining(error)]);
  }
});

test("self-update --bundle: --require-signature refuses a bundle without a trusted signature", async () => {
  const host = await hostWith("1.3.0");
  const { exit, err } = await typed(`self-update --bundle ${path} --check --require-signature`, host);
  expect([exit, err]).toEqual([1, expect.stringContaining("--require-signature needs a key")]);
});
