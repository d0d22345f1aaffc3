import type { HostReader } from "../host/host.ts";
import { Problem } from "./problem.ts";

/**
 * Returns the bytes of a file, or null if it does not exist. Throws a Problem for a directory, a device or a pipe,
 * which may never end.
 */
export function regularFile(reader: HostReader, path: string): Uint8Array | null {
  const { type = "file" } = reader.statTarget(path) ?? {};
  if (type === "file") return reader.read(path);
  const kind = type === "directory" ? "a directory" : "a device, a pipe or a socket";
  throw new Problem("conflict", `${path} is ${kind}, and should be a file`, { hint: ["ls", "-ld", path] });
}
