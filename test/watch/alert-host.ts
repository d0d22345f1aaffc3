// A host in memory whose alerts go to servers in memory.

import type { Finding } from "../../src/engine/finding.ts";
import type { HttpResponse } from "../../src/host/host.ts";
import { performLook } from "../../src/watch/look.ts";
import { watchSecretsDir, watchSettingsPath, watchStateDir } from "../../src/watch/paths.ts";
import { readSettings, type SecretName } from "../../src/watch/settings.ts";
import { type FakeHost, fakeHost, ok } from "../fake-host.ts";

export interface Received {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string;
}

interface AlertHost {
  host: FakeHost;
  received: Received[];
  /** What the servers answer: 204 by default. */
  answers: { status: number; reason?: string };
  /** Performs a look that finds these checks failing. */
  look(...failing: (string | Finding)[]): ReturnType<typeof performLook>;
}

/** Returns a host with these settings. `secrets`: the files of URLs and tokens. */
export function alertHost(
  secrets: Partial<Record<SecretName, string>>,
  settings: Record<string, unknown> = {},
): AlertHost {
  const host = fakeHost();
  const received: Received[] = [];
  const answers: AlertHost["answers"] = { status: 204 };
  for (const dir of [
    "/",
    "/etc",
    "/etc/edox-ops",
    watchSecretsDir,
    "/var",
    "/var/lib",
    "/var/lib/edox-ops",
    watchStateDir,
    "/run",
    "/run/edox-ops",
  ])
    host.dir(dir);
  host.put("/proc/sys/kernel/hostname", "docs-1\n");
  host.put(watchSettingsPath, JSON.stringify({ every_seconds: 300, ...settings }));
  for (const [name, secret] of Object.entries(secrets)) host.put(`${watchSecretsDir}/${name}`, `${secret}\n`);
  host.served.push((method, url, { headers = {}, body = "" }): Partial<HttpResponse> => {
    received.push({ method, url, headers, body });
    return answers;
  });
  host.taught.push(([program]) => (program === "/usr/sbin/sendmail" ? ok() : undefined));
  return {
    ...{ host, received, answers },
    look(...failing) {
      const current = readSettings(host);
      if (current === null) throw new Error("the host has no settings");
      const findings = failing.map((each): Finding => {
        return typeof each === "string" ? { name: each, status: "error", detail: `${each} is broken` } : each;
      });
      return performLook(host, current, findings);
    },
  };
}
