// The files of accounts, such as passwd(5), group(5) and shadow(5).

import type { HostReader } from "./host.ts";
import { textOf } from "./text-file.ts";

/** Returns the fields of each line; one line with an empty field if there is no file. */
export function fieldsOf(reader: HostReader, path: string): string[][] {
  return (textOf(reader, path) ?? "").split("\n").map((line) => line.split(":"));
}

/** Returns the fields of the first line of this name, or undefined. */
export function fieldsFor(reader: HostReader, path: string, name: string): string[] | undefined {
  return fieldsOf(reader, path).find(([first]) => first === name);
}
