// How fast the binary is beside an empty one that was compiled with the same flags, on a bootstrapped host: medians of
// one run, taken in turn, as ratios. Machines are noisy; the ratio is what holds.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { compile } from "../build/build.ts";
import { must } from "../test/integration/run.ts";
import { TestHost, whyNoHosts } from "../test/integration/test-host.ts";

const top = `${import.meta.dir}/..`;
const why = whyNoHosts();
if (why !== null) throw new Error(why);
must(["/bin/sh", `${top}/test/need.sh`]);

const work = mkdtempSync(`${tmpdir()}/edox-bench-`);
try {
  await Bun.write(`${work}/empty.ts`, "export {};\n");
  await compile(`${work}/empty.ts`, `${work}/empty/edox-ops`, "linux-x64");
  await compile(`${top}/src/main.ts`, `${work}/full/edox-ops`, "linux-x64");

  using host = await TestHost.up("bookworm");
  host.put(`${work}/empty/edox-ops`, "/usr/local/bin/empty");
  host.put(`${work}/full/edox-ops`, "/usr/local/bin/edox-ops");
  host.put(process.execPath, "/usr/local/bin/bun");
  host.put(`${import.meta.dir}/inside.ts`, "/root/inside.ts");
  host.run(["edox-ops", "bootstrap", "--yes"]);
  report("a fresh host");
  // What a host looks like after years: a status file of 3 MB.
  host.sh(
    `for i in $(seq 6000); do printf 'Package: filler%d\\nStatus: install ok installed\\nVersion: 1\\nDescription: %0400d\\n\\n' $i 0; done >> /var/lib/dpkg/status`,
  );
  report("a host with a package status file of 3 MB");

  function report(name: string): void {
    console.log(`\n${name}`);
    const { code, stdout, stderr } = host.run(["bun", "/root/inside.ts"]);
    if (code !== 0) throw new Error(stderr);
    console.log(stdout);
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}
