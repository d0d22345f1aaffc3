import { type HostReader, UnknownStateError } from "../../host/host.ts";
import { textOf } from "../../host/text-file.ts";
import { hostRecordPath } from "../paths.ts";
import { ufwConfPath } from "./paths.ts";

/** Returns whether ufw is enabled, or edox-ops has set it up. Only root can read the record. */
export function isFirewallSetUp(reader: HostReader): boolean {
  if (isEnabledAtBoot(reader)) return true;
  try {
    return /"firewall"\s*:/.test(textOf(reader, hostRecordPath) ?? "");
  } catch (error) {
    if (error instanceof UnknownStateError) return reader.stat(ufwConfPath) !== null;
    throw error;
  }
}

export function isEnabledAtBoot(reader: HostReader): boolean {
  return /^ENABLED="?yes"?$/im.test(textOf(reader, ufwConfPath) ?? "");
}
