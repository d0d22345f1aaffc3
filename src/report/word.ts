/** A word of the command line, with all that can be typed behind it: what every page and script is written from. */
export interface Word {
  /** From the program's own name on: ["edox-ops", "project", "add"]. */
  path: readonly string[];
  description: string;
  flags: readonly Flag[];
  values: readonly Value[];
  words: readonly Word[];
}

export interface Flag {
  /** With its dashes, as it is typed. */
  name: string;
  description: string;
  /** null: it takes none. */
  value: Value | null;
}

export interface Value {
  name: string;
  description: string;
  required: boolean;
  /** All that may be typed; none: anything. */
  choices: readonly string[];
  /** It is a path, which a shell completes. */
  path: "file" | "directory" | null;
}

/** The word and all words behind it, each before what is behind it. */
export function allWords(from: Word): Word[] {
  return [from, ...from.words.flatMap(allWords)];
}

export function nameOf({ path }: Word): string {
  return path.at(-1) ?? "";
}
