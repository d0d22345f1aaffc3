// Paths that are to be gone, with everything below them.

import type { Resource } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";

/** Returns a resource that removes these paths: by default the one that names it. */
export function absent(name: string, pathsOf: (reader: HostReader) => string[] = () => [name]): Resource {
  return {
    name,
    title: `${name} is removed`,
    check: (reader) =>
      pathsOf(reader).flatMap((path) =>
        reader.stat(path) === null ? [] : [{ kind: "command", argv: ["rm", "-r", path], reason: `${path} exists` }],
      ),
  };
}
