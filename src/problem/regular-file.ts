import type { HostReader } from "../host/host.ts";
import { Problem } from "./problem.ts";

/**
 * Returns the bytes of a file, or null if it does not exist. Throws a Problem for a directory, a device or a pipe,
 * which may never end.
 */
export function regularFile(reader: HostReader, path: string): Uint8Array | null {
  demandRegular(reader, path);
  return reader.read(path);
}

/** Throws a Problem if the path is a directory, a device or a pipe. */
export function demandRegular(reader: HostReader, path: string): void {
  const { type = "file" } = reader.statTarget(path) ?? {};
  if (type === "file") return;
  const kind = type === "directory" ? "a directory" : "a device, a pipe or a socket";
  throw new Problem("conflict", `${path} is ${kind}, and should be a file`, { hint: ["ls", "-ld", path] });
}
