// What doctor reports on a test host.

import type { TestHost } from "./test-host.ts";

/** Returns the names of the checks that need attention. Sites without a repository for backups are among them. */
export function attention(host: TestHost): string[] {
  const { findings } = JSON.parse(host.sh("edox-ops doctor --json").stdout) as {
    findings: { name: string; status: string }[];
  };
  return findings.filter(({ status }) => !["ok", "not-set-up"].includes(status)).map(({ name }) => name);
}
