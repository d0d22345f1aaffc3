// Decodes the character references in the value of an attribute.

/** Those that occur in addresses and names of anchors. Generators write all others as characters or numbers. */
const named: Record<string, string> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: "\u00a0",
  shy: "\u00ad",
  ndash: "–",
  mdash: "—",
  num: "#",
  sol: "/",
  colon: ":",
  quest: "?",
  equals: "=",
  percnt: "%",
  plus: "+",
  period: ".",
  comma: ",",
  lowbar: "_",
  lpar: "(",
  rpar: ")",
  commat: "@",
  Tab: "\t",
  NewLine: "\n",
};
const highestCode = 0x10ffff;

/** Returns the value with its characters. An unknown reference stays as it is. */
export function decoded(value: string): string {
  if (!value.includes("&")) return value;
  return value.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,8}));/gi, (whole, decimal, hex, name) => {
    if (name !== undefined) return named[name] ?? whole;
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    return code > 0 && code <= highestCode ? String.fromCodePoint(code) : "\ufffd";
  });
}
