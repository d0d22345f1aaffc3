// What nginx prints about variables whose names are too long for its table.

import { directives } from "../../src/nginx/config.ts";

/** Returns nginx's message about the variables of these maps, or null if the names fit. Measured: 46 characters in 64 bytes. */
export function variablesTooLong(texts: readonly string[]): string | null {
  const all = texts.flatMap((text) => directives(text));
  const size = Number(all.find(({ words }) => words[0] === "variables_hash_bucket_size")?.words[1] ?? 64);
  const names = all.filter(({ words }) => words[0] === "map" || words[0] === "split_clients");
  const tooLong = names.some(({ words }) => (words[2]?.length ?? 0) - "$".length > size - 18);
  return tooLong ? `could not build variables_hash, you should increase variables_hash_bucket_size: ${size}` : null;
}
