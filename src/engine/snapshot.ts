import type { HostReader } from "../host/host.ts";

/**
 * Returns the same host with each file read at most once. It serves one check of many resources and is discarded when a
 * command has run. Files in /proc change at any time and are not cached.
 */
export function snapshot(reader: HostReader): HostReader {
  const files = new Map<string, Uint8Array | null>();
  const readOnce = (read: HostReader["read"]) => (path: string) => {
    if (path.startsWith("/proc/")) return read(path);
    let bytes = files.get(path);
    if (bytes === undefined) {
      bytes = read(path);
      files.set(path, bytes);
    }
    return bytes;
  };
  return { ...reader, read: readOnce(reader.read), map: readOnce(reader.map) };
}
