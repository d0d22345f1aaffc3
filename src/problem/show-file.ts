// What shows a faulty file. It is no editor: a small Debian has none, and nobody can type what it is to change.

/** Returns the command that prints a line of a file, or all of them with their numbers where none is known. */
export function hintToShow(path: string, line?: number | string): string[] {
  return line === undefined ? ["sudo", "cat", "-n", path] : ["sudo", "sed", "-n", `${line}p`, path];
}

/** The same of all lines but those that hold a token, for a terminal that others may see. */
export function hintToShowWithoutTokens(path: string): string[] {
  return ["sudo", "grep", "-nv", 'token *= *"', path];
}
