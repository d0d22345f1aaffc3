/** Returns the command that prints what a bundle contains, and for which hosts. */
export function hintToShowBundle(path: string): string[] {
  return ["edox-ops", "bundle", "show", path];
}
