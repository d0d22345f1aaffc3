// The pictures of docs/public: made by `npm run docs` (docs.test.ts compares them), legible, and shown on a page.

import { expect, test } from "bun:test";
import { charts, rowsAfter } from "../../build/pictures/charts.ts";
import { drawn } from "../../build/pictures/draw.ts";
import type { Picture } from "../../build/pictures/picture.ts";
import { pictures } from "../../build/pictures/pictures.ts";
import { colours } from "../../build/pictures/svg.ts";
import { balanced, widthOf, wrapped } from "../../build/pictures/text.ts";
import { background, colours as palette } from "../../build/terminal/picture.ts";
import { pagePaths, textOf, top } from "./markdown.ts";

const made = await pictures();
const folder = `${top}/docs/public`;

test("pictures: no file of docs/public is left over", () => {
  const files = [...new Bun.Glob("*.{svg,cast}").scanSync(folder)];
  expect(files.sort()).toEqual([...Object.keys(made), "terminal.cast", "terminal-narrow.cast"].sort());
});

for (const [name, text] of Object.entries(made)) {
  test(`pictures: ${name} is small, has a title and a description, and refers to nothing outside`, () => {
    expect(text.length).toBeLessThan(name.startsWith("terminal") ? 200_000 : 60_000);
    expect(text).toMatch(/^<svg [^>]*role="img" aria-labelledby="title desc"[^>]*>\n<title id="title">[^<]{10,}</);
    expect(text).toMatch(/<desc id="desc">[^<]{80,}</);
    expect(text.replace('xmlns="http://www.w3.org/2000/svg"', "")).not.toMatch(/href="(?!#)|url\(|<script|@import/);
  });
}

test("pictures: a page shows each diagram and chart with a text for readers who do not see it", () => {
  const pages = pagePaths.map(textOf).join("\n");
  const shown = [
    ...pages.matchAll(
      /<source media="[^"]+" srcset="\S+?public\/(\S+?)-narrow\.svg">\s*<img src="\S+?public\/(\S+?)\.svg" alt="[^"]{40,}">/g,
    ),
  ];
  for (const [, narrow, wide] of shown) expect(narrow).toBe(wide ?? "");
  const names = Object.keys(made).filter((name) => /^(?!terminal).*-narrow\.svg$/.test(name));
  expect(shown.map(([, narrow]) => `${narrow}-narrow.svg`)).toEqual(expect.arrayContaining(names));
});

/** WCAG's contrast ratio of two colours. */
function contrast(one: string, other: string): number {
  const [a = 0, b = 0] = [one, other].map((colour) => {
    const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
      const share = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05;
  });
  return Math.max(a, b) / Math.min(a, b);
}

test("pictures: text has a contrast of 4.5 and lines one of 3, in light and dark mode", () => {
  const of = (name: string, mode: number): string => colours[name]?.[mode] ?? "";
  for (const mode of [0, 1]) {
    for (const behind of ["card", "box", "tint"]) {
      for (const text of ["ink", "faint"]) {
        expect([mode, text, behind, contrast(of(text, mode), of(behind, mode)) >= 4.5]).toEqual([
          mode,
          text,
          behind,
          true,
        ]);
      }
    }
    for (const line of ["line", "accent"]) {
      for (const behind of ["card", "box"]) {
        expect([mode, line, behind, contrast(of(line, mode), of(behind, mode)) >= 3]).toEqual([
          mode,
          line,
          behind,
          true,
        ]);
      }
    }
  }
  for (const colour of Object.values(palette))
    expect([colour, contrast(colour, background) >= 4.5]).toEqual([colour, true]);
});

const picture = (parts: Partial<Picture>): Picture => ({
  title: "A picture",
  description: "Two boxes",
  boxes: { one: { title: "One" }, two: { title: "Two" }, three: { title: "Three" } },
  arrows: [],
  layouts: { wide: ["one two three"], narrow: ["one", "two", "three"] },
  ...parts,
});

test("pictures: what cannot be drawn is an error", () => {
  expect(() => drawn(picture({ boxes: { one: { title: "x".repeat(80) } } }), "wide")).toThrow("is wider than");
  expect(() => drawn(picture({ arrows: [{ from: "one", to: "three" }] }), "wide")).toThrow("no neighbours");
  expect(() => drawn(picture({ arrows: [{ from: "one", to: "four" }] }), "wide")).toThrow("no box 'four'");
  expect(() => drawn(picture({ layouts: { wide: ["one four"], narrow: [] } }), "wide")).toThrow("no box 'four'");
  expect(drawn(picture({ arrows: [{ from: "one", to: "three" }] }), "narrow")).toContain('class="arrow"');
});

test("pictures: lines are of about the same length, and no longer than the box", () => {
  const text = "installs programs and packages, and verifies the checksums";
  const lines = balanced(text, "text", 300);
  expect(lines.join(" ")).toBe(text);
  expect(lines).toHaveLength(wrapped(text, "text", 300).length);
  for (const line of lines) expect(widthOf(line, "text")).toBeLessThanOrEqual(300);
  expect(wrapped("/etc/gitlab-runner/config.toml", "code", 150)).toEqual(["/etc/gitlab-runner/", "config.toml"]);
});

test("charts: each draws the table that follows it on the page, and numbers only", () => {
  const page = textOf("docs/bench.md");
  for (const [name, { series }] of Object.entries(charts)) {
    const rows = rowsAfter(page, name);
    expect(rows.length).toBeGreaterThan(1);
    for (const [label = ""] of rows) expect(made[`${name}.svg`]).toContain(label.split(/[ ,:;]/)[0] ?? "");
    for (const cells of rows)
      for (const { column } of series) expect(made[`${name}.svg`]).toContain(`>${cells[column]} `);
  }
  expect(() => rowsAfter(page, "bench-none")).toThrow("no chart bench-none");
});
