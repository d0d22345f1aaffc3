import type { Host } from "../host/host.ts";
import { demandRegular } from "./regular-file.ts";

/**
 * Writes a file for a person, which all users may read. Who reads it meanwhile sees the old or the new content. Throws a
 * Problem for a directory, a device or a pipe.
 */
export function writeOutput(host: Host, path: string, text: string): void {
  demandRegular(host, path);
  const file = host.createFile(path, { mode: 0o644 });
  try {
    file.write(new TextEncoder().encode(text));
    file.commit();
  } finally {
    file.abort();
  }
}
