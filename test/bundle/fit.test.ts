// How the versions of a bundle compare with those of the host.

import { expect, test } from "bun:test";
import { presentVersion, presentVersions } from "../../src/apt/dpkg.ts";
import { applyBundle } from "../../src/bundle/applied.ts";
import { missingPackages, versionsFinding } from "../../src/bundle/fit.ts";
import { openBundle } from "../../src/bundle/reader.ts";
import { typed } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";
import { makeBundle } from "./small.ts";

const status = [
  ["installed", "install ok installed", "1.0"],
  ["held", "hold ok installed", "1.0"],
  ["half", "install ok half-configured", "1.0"],
  ["removed", "deinstall ok config-files", "1.0"],
  ["unknown", "unknown ok not-installed", "1.0"],
  ["newer", "install ok installed", "3.0"],
].map(([name, state, version]) => `Package: ${name}\nStatus: ${state}\nArchitecture: amd64\nVersion: ${version}\n`);
const foreign = "Package: newer\nStatus: install ok installed\nArchitecture: i386\nVersion: 0.1\n";

function debian() {
  const host = fakeDebian();
  host.put("/var/lib/dpkg/status", [...status, foreign].join("\n"));
  host.dir("/mnt");
  return host;
}

test("dpkg: the versions of all packages are those that each package has on its own", () => {
  const host = debian();
  const versions = presentVersions(host);
  for (const name of ["installed", "held", "half", "removed", "unknown", "newer", "absent"])
    expect([name, versions.get(name) ?? null]).toEqual([name, presentVersion(host, name)]);
  expect([...versions.keys()]).toEqual(["installed", "held", "half", "newer"]);
});

test("bundle: the records of dpkg are read once for all packages", async () => {
  const host = debian();
  const packages = ["installed", "held", "half", "removed", "unknown", "newer", "absent"].map((name) => {
    return { name, version: "2.0", architecture: "amd64", path: "a.deb", installedBytes: 1, licence: null };
  });
  await makeBundle(host, "/mnt/b.tar", { "a.deb": Buffer.from("deb") }, { changes: { packages } });
  const bundle = openBundle(host, "/mnt/b.tar");
  let reads = 0;
  const { map } = host;
  host.map = (path) => {
    reads++;
    return map(path);
  };
  expect(missingPackages(host, bundle).map(({ name }) => name)).not.toContain("newer");
  expect(reads).toBe(1);
  expect(versionsFinding(host, bundle).detail).toBe(
    "7 packages, 3 missing here, 3 older here; newer on this host and kept: newer",
  );
  expect(reads).toBe(2);
  const { planned } = applyBundle(host, "/mnt/b.tar", { requiresSignature: false, allowsOlder: false });
  expect(planned(["absent"])).toContainEqual({ name: "absent", version: "2.0", requested: true });
  expect(reads).toBe(3);
});

test("bundle: the verification of many small files does not wait for a timer after each", async () => {
  const host = debian();
  const files = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`repo/debian/${i}.deb`, Buffer.from("x")]));
  await makeBundle(host, "/mnt/b.tar", files);
  let sleeps = 0;
  const { sleep } = host;
  host.sleep = (ms) => {
    sleeps++;
    return sleep(ms);
  };
  const { out } = await typed("doctor --bundle /mnt/b.tar", host);
  expect(out).toContain("bundle:intact: /mnt/b.tar is intact");
  expect(sleeps).toBeLessThan(50);
});
