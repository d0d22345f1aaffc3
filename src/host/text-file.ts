import type { HostReader } from "./host.ts";

/** Returns the text of a file, or null if it does not exist. Invalid UTF-8 is replaced. */
export function textOf(reader: HostReader, path: string): string | null {
  const bytes = reader.read(path);
  return bytes === null ? null : new TextDecoder().decode(bytes);
}
