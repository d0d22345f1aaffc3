// Hints that show a faulty file. They never open an editor: a minimal Debian has none.

/** Returns the command that prints a line of a file, or all lines with their numbers if the line is unknown. */
export function hintToShow(path: string, line?: number | string): string[] {
  return line === undefined ? ["sudo", "cat", "-n", path] : ["sudo", "sed", "-n", `${line}p`, path];
}

/** Returns the command that prints all lines without a token: other people may see the terminal. */
export function hintToShowWithoutTokens(path: string): string[] {
  return ["sudo", "grep", "-nv", 'token *= *"', path];
}
