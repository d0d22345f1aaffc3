import type { HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { linesOf } from "../text/lines.ts";

/** Returns the mount point of the file system that contains a path. */
export function mountPointOf(reader: HostReader, path: string): string {
  const points = linesOf(textOf(reader, "/proc/self/mounts") ?? "")
    .map((line) => line.split(" ")[1] ?? "/")
    .filter((point) => point === "/" || path === point || path.startsWith(`${point}/`))
    .sort((one, other) => other.length - one.length);
  return points[0] ?? "/";
}
