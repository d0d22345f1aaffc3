import type { HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";

/** Returns the name of this host for messages. Other characters than those of a host name are replaced. */
export function hostName(reader: HostReader): string {
  const name = (textOf(reader, "/proc/sys/kernel/hostname") ?? "").trim().replace(/[^A-Za-z0-9.-]/g, "-");
  return name === "" ? "localhost" : name.slice(0, 253);
}
