// The Markdown files that people read, taken apart.

import { readFileSync } from "node:fs";
import { dirname, normalize } from "node:path";

export const top = normalize(`${import.meta.dir}/../..`);

/** From the top of the repository on. The reference of the source is made by the build and checked there. */
export const pagePaths = ["*.md", "docs/*.md"].flatMap((glob) => [...new Bun.Glob(glob).scanSync(top)].sort());

/** The text of a page with the pages that it includes. */
export function textOf(path: string): string {
  const text = readFileSync(`${top}/${path}`, "utf8");
  return text.replace(/^<!--@include: (\S+?)-->$/gm, (_, other) => textOf(normalize(`${dirname(path)}/${other}`)));
}

/** The blocks between fences, each with the name of its language. */
export function blocksOf(text: string): { language: string; code: string }[] {
  return [...text.matchAll(/^( *)```(\w*)\n([\s\S]*?)^\1```$/gm)].map(([, , language = "", code = ""]) => ({
    language,
    code,
  }));
}

export function withoutBlocks(text: string): string {
  return text.replace(/^( *)```\w*\n[\s\S]*?^\1```$/gm, "");
}
