// Checks whether nginx accepts its configuration.

import type { Check, CheckResult } from "../engine/finding.ts";
import type { HostReader } from "../host/host.ts";
import { configFault } from "./accepts.ts";
import { affectedSites } from "./affected-sites.ts";
import { hintToConfigure } from "./fault.ts";

export const nginxChecks: Check[] = [
  {
    name: "nginx:config",
    follows: ["package:nginx"],
    affects: (reader) => affectedSites(reader, "online until nginx stops; changes are not loaded"),
    run: validConfig,
  },
];

async function validConfig(reader: HostReader): Promise<CheckResult> {
  if (reader.stat("/etc/nginx/nginx.conf") === null) {
    return { status: "error", detail: "nginx has no configuration", hint: hintToConfigure(reader) };
  }
  const fault = await configFault(reader);
  if (fault === null) return { status: "ok", detail: "nginx accepts it" };
  return { status: "error", detail: fault.reason, hint: fault.hint };
}
