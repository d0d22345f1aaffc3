// Links of the Markdown files lead to files and headings that are there.

import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { dirname, normalize } from "node:path";
import { pagePaths, textOf, top, withoutBlocks } from "./markdown.ts";

/** Made by docs:build, which fails on a link that leads nowhere. */
const made = /^docs\/source\//;

/** As VitePress and GitLab call a heading in an address, as far as they agree. */
function anchorsOf(path: string): string[] {
  return [...withoutBlocks(textOf(path)).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\w\s-]/g, "")
      .trim()
      .replace(/\s/g, "-"),
  );
}

function faultsOf(path: string): string[] {
  const text = withoutBlocks(textOf(path)).replace(/`[^`\n]*`/g, "");
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = ""]) => {
    if (/^[a-z]+:/.test(link)) return [];
    const [file, anchor] = link.split("#");
    const target = file ? normalize(`${dirname(path)}/${file}`) : path;
    if (made.test(target)) return [];
    if (!existsSync(`${top}/${target}`)) return [`${link}: there is no ${target}`];
    if (anchor && !anchorsOf(target).includes(anchor)) return [`${link}: ${target} has no such heading`];
    return [];
  });
}

for (const path of pagePaths) {
  test(`links of ${path} lead somewhere`, () => {
    expect(faultsOf(path)).toEqual([]);
  });
}
