import type { HostReader } from "../host/host.ts";

/**
 * The same host, whose files are each read once: for one look at many resources, thrown away when something ran.
 * What the kernel tells in /proc is of the moment, and is not kept.
 */
export function snapshot(see: HostReader): HostReader {
  const files = new Map<string, Uint8Array | null>();
  return {
    ...see,
    read(path) {
      if (path.startsWith("/proc/")) return see.read(path);
      let bytes = files.get(path);
      if (bytes === undefined) {
        bytes = see.read(path);
        files.set(path, bytes);
      }
      return bytes;
    },
  };
}
