import type { HostReader } from "../../host/host.ts";
import { textOf } from "../../host/text-file.ts";
import { hostRecordPath } from "../paths.ts";
import { ufwConfPath } from "./paths.ts";

/** Returns whether ufw is enabled, or edox-ops has set it up. Only root can read the record, which may be damaged. */
export function isFirewallSetUp(reader: HostReader): boolean {
  try {
    return isEnabledAtBoot(reader) || /"firewall"\s*:/.test(textOf(reader, hostRecordPath) ?? "");
  } catch {
    return reader.stat(ufwConfPath) !== null;
  }
}

export function isEnabledAtBoot(reader: HostReader): boolean {
  return /^ENABLED="?yes"?$/im.test(textOf(reader, ufwConfPath) ?? "");
}
