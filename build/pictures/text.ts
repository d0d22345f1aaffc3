// Estimates the width of text, and wraps it. The estimate is that of DejaVu Sans, the widest of the usual fonts.

export type Face = "title" | "text" | "code";

export const sizes: Record<Face, number> = { title: 14, text: 13, code: 12 };
export const lineHeight: Record<Face, number> = { title: 20, text: 18, code: 17 };

/** Widths in em of the letters that differ from the usual one. */
const letters: readonly (readonly [string, number])[] = [
  ["ijl'|.,:;!", 0.34],
  ["frt()[]/ -", 0.4],
  ["mwMW@%", 0.95],
  ["ABCDEFGHIJKLNOPQRSTUVXYZ&×", 0.74],
];
const usual = 0.63;
const monospace = 0.605;
const bold = 1.12;

export function widthOf(text: string, face: Face): number {
  if (face === "code") return text.length * monospace * sizes.code;
  const ems = [...text].reduce((sum, letter) => {
    return sum + (letters.find(([these]) => these.includes(letter))?.[1] ?? usual);
  }, 0);
  return ems * sizes[face] * (face === "title" ? bold : 1);
}

/** Wraps into as few lines as possible, of about the same length. Throws if a word alone is wider. */
export function balanced(text: string, face: Face, width: number): string[] {
  const lines = wrapped(text, face, width);
  const share = widthOf(text, face) / lines.length;
  for (let narrower = share; narrower < width && lines.length > 1; narrower += 4) {
    if (lines.some((line) => line.split(" ").some((word) => widthOf(word, face) > narrower))) continue;
    const tried = wrapped(text, face, narrower);
    if (tried.length === lines.length) return tried;
  }
  return lines;
}

export function wrapped(text: string, face: Face, width: number): string[] {
  const lines: string[] = [""];
  for (const word of wordsOf(text, face, width)) {
    const line = lines.at(-1) + word;
    if (widthOf(line.trimEnd(), face) <= width) lines[lines.length - 1] = line;
    else if (widthOf(word.trimEnd(), face) <= width) lines.push(word);
    else throw new Error(`'${word.trim()}' is wider than ${Math.floor(width)} px`);
  }
  return lines.map((line) => line.trimEnd()).filter((line) => line !== "");
}

/** A sentence is broken after a space, a path after a separator, and only a longer name after a hyphen. */
function wordsOf(text: string, face: Face, width: number): string[] {
  if (face !== "code") return text.split(/(?<=\s)/);
  return text.split(/(?<=[/:\s])(?=[^/:\s])/).flatMap((word) => {
    return widthOf(word.trimEnd(), face) <= width ? word : word.split(/(?<=-)/);
  });
}
