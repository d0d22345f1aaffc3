// Text of any characters, for properties.

import fc from "fast-check";

const surrogates = 0x800;
const beforeSurrogates = 0xd800;

/** Like fast-check's unit "binary", which first spends half a second on a table of all characters. */
const character = fc
  .nat(0x10ffff - surrogates)
  .map((at) => String.fromCodePoint(at < beforeSurrogates ? at : at + surrogates));

/** Generates text of any characters. The lengths count characters. */
export function anyText(lengths: { minLength?: number; maxLength: number }): fc.Arbitrary<string> {
  return fc.string({ unit: character, ...lengths });
}
