// Parses the Markdown files of the documentation.

import { readFileSync } from "node:fs";
import { dirname, normalize } from "node:path";

export const top = normalize(`${import.meta.dir}/../..`);

/** Paths relative to the repository. The source reference is generated and checked by the build. */
export const pagePaths = ["*.md", "docs/*.md", "docs/guides/*.md"].flatMap((glob) =>
  [...new Bun.Glob(glob).scanSync(top)].sort(),
);

/** Returns the text of a page with its included pages. */
export function textOf(path: string): string {
  const text = readFileSync(`${top}/${path}`, "utf8");
  return text.replace(/^<!--@include: (\S+?)-->$/gm, (_, other) => textOf(normalize(`${dirname(path)}/${other}`)));
}

/** Returns the fenced code blocks, each with its language. */
export function blocksOf(text: string): { language: string; code: string }[] {
  return [...text.matchAll(/^( *)```(\w*)\n([\s\S]*?)^\1```$/gm)].map(([, , language = "", code = ""]) => ({
    language,
    code,
  }));
}

export function withoutBlocks(text: string): string {
  return text.replace(/^( *)```\w*\n[\s\S]*?^\1```$/gm, "");
}
