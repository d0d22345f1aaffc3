// Parses foreign JSON documents safely before any recursive function walks them.

/** No document that this program reads nests deeper. Far beyond it, a recursive function overflows the stack. */
export const maxNesting = 100;

/** Parses JSON that nests no deeper than {@link maxNesting}. Throws a RangeError for a deeper one, else as JSON.parse does. */
export function parseJson(text: string): unknown {
  let depth = 0;
  let inString = false;
  // Counts by hand: a regular expression for whole strings takes quadratic time on many unterminated quotes.
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === '"') inString = !inString;
    else if (inString) i += character === "\\" ? 1 : 0;
    else if (character === "[" || character === "{") depth += 1;
    else if (character === "]" || character === "}") depth -= 1;
    if (depth > maxNesting) throw new RangeError(`it is nested deeper than ${maxNesting} levels`);
  }
  return JSON.parse(text);
}

/** Returns whether objects and arrays nest deeper than {@link maxNesting}. It recurses no deeper than that. */
export function isTooDeep(value: unknown, depth = 0): boolean {
  if (depth > maxNesting) return true;
  if (typeof value !== "object" || value === null) return false;
  return Object.values(value).some((each) => isTooDeep(each, depth + 1));
}
