// The pictures of docs/public, as text by file name.

import { parseCast } from "../terminal/cast.ts";
import { terminalPicture } from "../terminal/picture.ts";
import { bars } from "./bars.ts";
import { charts, rowsAfter } from "./charts.ts";
import { deploy } from "./deploy.ts";
import { drawn } from "./draw.ts";
import { host } from "./host.ts";
import type { Layouts } from "./picture.ts";
import { release } from "./release.ts";
import { runner } from "./runner.ts";

const docs = `${import.meta.dir}/../../docs`;
const diagrams = { deploy, host, runner, release };
/** The end of a file's name. */
const layouts: Record<keyof Layouts, string> = { wide: "", narrow: "-narrow" };

export async function pictures(): Promise<Record<string, string>> {
  const page = await Bun.file(`${docs}/bench.md`).text();
  const files: Record<string, string> = {};
  for (const [layout, end] of Object.entries(layouts) as [keyof Layouts, string][]) {
    const cast = parseCast(await Bun.file(`${docs}/public/terminal${end}.cast`).text());
    files[`terminal${end}.svg`] = await terminalPicture(cast);
    for (const [name, picture] of Object.entries(diagrams)) files[`${name}${end}.svg`] = drawn(picture, layout);
    for (const [name, chart] of Object.entries(charts)) {
      files[`${name}${end}.svg`] = bars(chart, rowsAfter(page, name), layout);
    }
  }
  return files;
}
