// The marks of automatically installed packages after a power cut.

import { expect, test } from "bun:test";
import { installPackages } from "../../src/apt/apt.ts";
import { fakeHost, ok } from "../fake-host.ts";

const path = "/var/lib/apt/extended_states";
const stderr = `E: Unable to parse package file ${path} (1)\n`;

test("apt: damaged marks are moved aside with a warning, and the installation continues", async () => {
  const host = fakeHost();
  let isDamaged = true;
  host.taught.push((argv) => {
    if (argv[0] === "mv") {
      expect(argv).toEqual(["mv", "-T", path, `${path}.damaged`]);
      isDamaged = false;
    }
    return argv.includes("install") && isDamaged ? { code: 100, stdout: "", stderr } : ok();
  });
  expect(await installPackages(host, { names: ["less"] }, () => null)).toEqual([
    `${path} was damaged, and is now ${path}.damaged: apt has forgotten which packages were installed automatically`,
  ]);
});

test("apt: marks that cannot be moved are reported as apt reports them", async () => {
  const host = fakeHost();
  host.taught.push((argv) => {
    if (argv[0] === "mv") return { code: 1, stdout: "", stderr: "mv: read-only" };
    return argv.includes("install") ? { code: 100, stdout: "", stderr } : ok();
  });
  expect(installPackages(host, { names: ["less"] }, () => null)).rejects.toMatchObject({ stderr });
});
