/**
 * Returns the words of a command with this flag set to this value, so that a hint repeats the rest of the command.
 * Replaces `--flag old` and `--flag=old`, adds the flag if it is missing, and removes it for the value null.
 */
export function withFlag(words: readonly string[], flag: string, value: string | null): string[] {
  const set = value === null ? [] : [flag, value];
  const at = words.findIndex((word) => word === flag || word.startsWith(`${flag}=`));
  if (at < 0) return [...words, ...set];
  const after = words[at] === flag ? at + 2 : at + 1;
  return [...words.slice(0, at), ...set, ...words.slice(after)];
}
