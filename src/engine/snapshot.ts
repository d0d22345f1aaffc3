import type { HostReader } from "../host/host.ts";

/**
 * The same host, whose files are each read once: for one look at many resources, thrown away when something ran.
 * What the kernel tells in /proc is of the moment, and is not kept.
 */
export function snapshot(see: HostReader): HostReader {
  const files = new Map<string, Uint8Array | null>();
  const once = (look: HostReader["read"]) => (path: string) => {
    if (path.startsWith("/proc/")) return look(path);
    let bytes = files.get(path);
    if (bytes === undefined) {
      bytes = look(path);
      files.set(path, bytes);
    }
    return bytes;
  };
  return { ...see, read: once(see.read), map: once(see.map) };
}
