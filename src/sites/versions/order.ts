// Sorts versions as mike does, so that a version selector lists them in the same order.

/** A part of a version that is compared as another one. */
const replacements: Readonly<Record<string, string>> = {
  pre: "c",
  preview: "c",
  "-": "final-",
  rc: "c",
  dev: "@",
};

/** Sorts before every other word part that is no pre-release. */
const final = "*final";

/** Returns the parts that are compared, as `LooseVersion` of verspec does. */
function partsOf(version: string): string[] {
  const parts: string[] = [];
  const add = (part: string): void => {
    if (part.startsWith("*")) {
      // A dash before a pre-release, and zeros at the end of numbers, do not count.
      if (part < final) while (parts.at(-1) === `${final}-`) parts.pop();
      while (parts.at(-1) === "00000000") parts.pop();
    }
    parts.push(part);
  };
  for (const piece of version.toLowerCase().split(/(\d+|[a-z]+|\.|-)/)) {
    const part = replacements[piece] ?? piece;
    if (part === "" || part === ".") continue;
    add(/^\d/.test(part) ? part.padStart(8, "0") : `*${part}`);
  }
  add(final);
  return parts;
}

/** A version that does not begin with a digit is a development version, and newer than all releases. */
const isRelease = (version: string): boolean => /^v?\d/.test(version);

/** Compares two versions: negative if `a` is the newer one. */
export function byNewest(a: string, b: string): number {
  if (isRelease(a) !== isRelease(b)) return isRelease(a) ? 1 : -1;
  const [one, two] = [partsOf(a), partsOf(b)];
  for (let i = 0; i < Math.max(one.length, two.length); i++) {
    const [left = "", right = ""] = [one[i], two[i]];
    if (left !== right) return left < right ? 1 : -1;
  }
  return a < b ? 1 : -1;
}
