// Compares versions of Debian packages as deb-version(7) defines it, without a child process for each pair.

/** Returns a negative number if the first version is older, a positive one if it is newer, and 0 if they are equal. */
export function compareVersions(one: string, other: string): number {
  const [first, second] = [partsOf(one), partsOf(other)];
  return (
    first.epoch - second.epoch ||
    compareText(first.upstream, second.upstream) ||
    compareText(first.revision, second.revision)
  );
}

function partsOf(version: string): { epoch: number; upstream: string; revision: string } {
  const colon = version.indexOf(":");
  const rest = version.slice(colon + 1);
  const dash = rest.lastIndexOf("-");
  return {
    epoch: colon < 0 ? 0 : Number(version.slice(0, colon)),
    upstream: dash < 0 ? rest : rest.slice(0, dash),
    revision: dash < 0 ? "" : rest.slice(dash + 1),
  };
}

/** Compares alternating runs of other characters and of digits: the former by character, the latter as numbers. */
function compareText(one: string, other: string): number {
  const pattern = /([^0-9]*)([0-9]*)/y;
  const runsOf = (text: string): [string, string][] => {
    const runs: [string, string][] = [];
    for (pattern.lastIndex = 0; pattern.lastIndex < text.length; ) {
      const [, words = "", digits = ""] = pattern.exec(text) ?? [];
      runs.push([words, digits]);
    }
    return runs;
  };
  const [first, second] = [runsOf(one), runsOf(other)];
  for (let i = 0; i < Math.max(first.length, second.length); i++) {
    const [words, digits] = first[i] ?? ["", ""];
    const [otherWords, otherDigits] = second[i] ?? ["", ""];
    const difference = compareWords(words, otherWords) || compareNumbers(digits, otherDigits);
    if (difference !== 0) return difference;
  }
  return 0;
}

function compareWords(one: string, other: string): number {
  for (let i = 0; i < Math.max(one.length, other.length); i++) {
    const difference = rank(one[i]) - rank(other[i]);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** A tilde precedes the end, the end precedes letters, and letters precede all other characters. */
function rank(character: string | undefined): number {
  if (character === undefined) return 0;
  if (character === "~") return -1;
  const code = character.charCodeAt(0);
  return /[A-Za-z]/.test(character) ? code : code + 256;
}

/** Compares numbers of any length. */
function compareNumbers(one: string, other: string): number {
  const [first, second] = [one.replace(/^0+/, ""), other.replace(/^0+/, "")];
  return first.length - second.length || (first < second ? -1 : Number(first > second));
}
