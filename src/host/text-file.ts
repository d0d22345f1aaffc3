import type { HostReader } from "./host.ts";

/** A configuration has kilobytes. Each search through a larger text would take seconds. */
const mostMib = 16;

/**
 * Returns the text of a file, or null if it does not exist. Invalid UTF-8 is replaced. Throws an Error that names a file
 * that is larger than 16 MiB.
 */
export function textOf(reader: HostReader, path: string): string | null {
  const demandSmall = (size = 0): void => {
    if (size > mostMib * 1024 * 1024) throw new Error(`${path} is larger than ${mostMib} MiB`);
  };
  demandSmall(reader.stat(path)?.size);
  const bytes = reader.read(path);
  // A link may lead to it.
  demandSmall(bytes?.length);
  return bytes === null ? null : new TextDecoder().decode(bytes);
}
