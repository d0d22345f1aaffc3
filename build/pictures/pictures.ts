// The pictures of docs/public, as text by file name.

import { parseCast } from "../terminal/cast.ts";
import { terminalPicture } from "../terminal/picture.ts";

const docs = `${import.meta.dir}/../../docs`;

export async function pictures(): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const name of ["terminal", "terminal-narrow"]) {
    const cast = parseCast(await Bun.file(`${docs}/public/${name}.cast`).text());
    files[`${name}.svg`] = await terminalPicture(cast);
  }
  return files;
}
