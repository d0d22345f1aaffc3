// A minimal test host that can run measurements.

import { mkdirSync } from "node:fs";
import type { Ended } from "../test/integration/run.ts";
import { TestHost } from "../test/integration/test-host.ts";
import type { Measured, Spec } from "./inside.ts";

export interface Binaries {
  empty: string;
  full: string;
}

/** Boots a Debian 12 host that has both binaries and the runtime. */
export async function benchHost({ empty, full }: Binaries): Promise<TestHost> {
  const host = await TestHost.up("bookworm");
  host.put(empty, "/usr/local/bin/empty");
  host.put(full, "/usr/local/bin/edox-ops");
  mkdirSync(`${host.root}/opt/bench`);
  host.put(process.execPath, "/opt/bench/bun");
  host.put(`${import.meta.dir}/inside.ts`, "/opt/bench/inside.ts");
  return host;
}

/** Installs the tools that `watched` needs. */
export function installWatchers(host: TestHost): void {
  expect(host.sh("apt-get update -q && apt-get install -q -y --no-install-recommends strace time"));
}

/** Runs the measurements on the host and returns their results. */
export function measured(host: TestHost, spec: Spec): Measured[] {
  return JSON.parse(expect(host.run(["/opt/bench/bun", "/opt/bench/inside.ts", JSON.stringify(spec)])));
}

/** Runs a command that must succeed, and returns its stdout. */
export function expect({ code, stdout, stderr }: Ended): string {
  if (code !== 0) throw new Error(`ended with ${code}\n${stdout}${stderr}`);
  return stdout;
}
