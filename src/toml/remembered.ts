/** A command reads a file in three states, each in several steps: before, between and after two edits. */
const mostTexts = 3;

/**
 * Returns the same function with a cache for the last three texts, because parsing 10 MB of TOML takes a third of a
 * second. Callers must not change its results. If it throws for a text, that text is read again.
 */
export function memoize<T>(read: (text: string) => T): (text: string) => T {
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
