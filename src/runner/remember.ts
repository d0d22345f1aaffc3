/** A command reads a file as it was, between two edits, and as it will be, each at several steps. */
const mostTexts = 3;

/**
 * Returns the same function with a memory for its last three texts: 10 MB of TOML take a second to parse. What it returns must
 * not be changed. A text that throws is read again.
 */
export function remembered<T>(read: (text: string) => T): (text: string) => T {
  const results = new Map<string, T>();
  return (text) => {
    const known = results.has(text);
    const result = known ? (results.get(text) as T) : read(text);
    results.delete(text);
    if (results.size === mostTexts) results.delete(results.keys().next().value as string);
    results.set(text, result);
    return result;
  };
}
