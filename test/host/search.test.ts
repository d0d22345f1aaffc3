// Searches of files, by reading them and while they are copied.

import { afterAll, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import fc from "fast-check";
import { localTrees } from "../../src/host/local-trees.ts";
import type { Copy, NewAttributes, Search } from "../../src/host/trees.ts";
import { loadsOfPage, pageSearch, styleSearch } from "../../src/sites/serve/page-loads.ts";
import { runs } from "../runs.ts";

const top = mkdtempSync(`${tmpdir()}/edox-search-`);
afterAll(() => rmSync(top, { recursive: true }));

const trees = localTrees();
const made: NewAttributes = {
  mode: 0o640,
  uid: process.getuid?.() ?? 0,
  gid: process.getgid?.() ?? 0,
  modifiedSeconds: 7,
};
const limits = { bytes: 2 ** 20, matches: 100, milliseconds: 60_000 };
const block = 256 * 1024;
const word: Search = { needle: "//", within: null, parts: /<[^<>]{0,100}>/g, worth: /good/ };

beforeEach(() => {
  rmSync(`${top}/to`, { recursive: true, force: true });
  mkdirSync(`${top}/to`);
});

function write(contents: readonly string[]): string[] {
  return contents.map((content, i) => {
    writeFileSync(`${top}/${i}`, content, "latin1");
    return `${top}/${i}`;
  });
}

/** What both ways find in these files, which has to be the same. */
async function both(contents: readonly string[], search: Search, some = limits) {
  const paths = write(contents);
  const read = await trees.search(paths, search, some);
  const copies = paths.map((path, i): Copy => [path, `${top}/to/${i}`, (contents[i] as string).length, 0]);
  const copied = await trees.copies(copies, made, { searches: [search], limits: some });
  expect(copied.found).toEqual(read.found);
  for (const path of copies) rmSync(path[1]);
  return read.found;
}

/** The parts that a search of the whole text finds, with no condition asked before. */
function plainly(text: string, { needle, parts, worth }: Search): string[] {
  return [...new Set([...text.matchAll(parts)].map(([part]) => part))].filter(
    (part) => part.includes(needle) && worth.test(part),
  );
}

test("search: reading and copying files find the same parts, each once, with the first file that has it", async () => {
  expect(await both(["<good //>", "", "<bad //><good>", "<good //><good //a>"], word)).toEqual([
    { file: 0, text: "<good //>" },
    { file: 3, text: "<good //a>" },
  ]);
});

test.each([-9, -8, -3, 0, 1])("search: a part that lies %d bytes from the end of a block is found", async (at) => {
  const found = await both([`${" ".repeat(block + at)}<good //>`, `${" ".repeat(2 * block + at)}<good //b>`], word);
  expect(found.map(({ text }) => text)).toEqual(["<good //>", "<good //b>"]);
});

test("search: a file after one with several blocks is not joined to it", async () => {
  expect(await both([`${" ".repeat(block - 4)}<goo`, "d //>", `${" ".repeat(block - 5)}<good`], word)).toEqual([]);
});

test("search: nothing beyond the first bytes of a file, or after as many parts or milliseconds as may be", async () => {
  const far = ["<good //1>".padStart(block + 20), "<good //2>", "<good //3>"];
  expect(await both(far, word, { ...limits, bytes: block + 20 })).toHaveLength(3);
  expect(await both(far, word, { ...limits, bytes: block + 19 })).toHaveLength(2);
  expect(await both(far, word, { ...limits, matches: 2 })).toHaveLength(2);
  expect(await both(far, word, { ...limits, milliseconds: 0 })).toEqual([]);
});

test("copies: each file has the search that it is for, or none, and each search its own limit", async () => {
  const contents = ["<good //1>", "<good //2>", "<good //3>", "url(//4)", "<good //5>"];
  const indexes = [0, 0, undefined, 1, -1];
  const paths = write(contents);
  const copies = paths.map((path, i): Copy => [path, `${top}/to/${i}`, contents[i]?.length ?? 0, indexes[i] ?? -1]);
  const search = { searches: [word, styleSearch], limits: { ...limits, matches: 1 } };
  const { found, milliseconds } = await trees.copies(copies, made, search);
  expect(found).toEqual([
    { file: 0, text: "<good //1>" },
    { file: 3, text: "url(//4" },
  ]);
  expect(milliseconds).toBeGreaterThan(0);
  rmSync(`${top}/to`, { recursive: true });
  mkdirSync(`${top}/to`);
  expect(await trees.copies(copies, made)).toEqual({ found: [], milliseconds: 0 });
});

const words = [
  ..."<>\"'`=(){}[],:;\\ \n\t".split(""),
  ...[
    "<script",
    "</script>",
    "<style>",
    "</style>",
    "<link",
    "<img",
    "<a",
    "<iframe",
    "<base",
    "<b",
    ">",
    "/>",
    "\x80",
  ],
  ...[" src=", " SRC = ", " href=", " srcset=", " rel=stylesheet", ' rel="icon"', " type=importmap", " type='module'"],
  ...["//x.test/a.js", "https://y.test/b", "WSS://z.test", "http:", "//", "/", "x.test"],
  ...["import ", "from", "fetch(", "url(", "@import ", "new Worker(", '{"imports": {"a": "https://m.test/a.js"}}'],
  ...["x".repeat(3000), "<b>".repeat(700)],
];
const tags = [
  ...[
    "<script>",
    "<SCRIPT>",
    "<Style>",
    "<script type=importmap>",
    "</script>",
    "</STYLE>",
    "<b>",
    "\n",
    "x".repeat(3000),
  ],
  ...["<img src='//x.test/i'>", "<script src=//x.test/a.js>", "fetch('//y.test')", "<link rel=icon href=//z.test>"],
];
const joined = (all: readonly string[], maxLength: number) =>
  fc.array(fc.constantFrom(...all), { maxLength }).map((some) => some.join(""));
/** Texts without a form, and tags that are whole, within and beside each other. */
const markup = fc.oneof(joined(words, 60), joined(tags, 12));

test("search: pages are decoded where they load something, and nothing of them is missed", async () => {
  const search = pageSearch(false);
  const addresses = (parts: string[]): string[] =>
    parts
      .flatMap((part) => loadsOfPage(part).map(({ kind, address }) => `${kind} ${address}`))
      .filter((load) => load.includes("//"));
  await fc.assert(
    fc.asyncProperty(fc.array(markup, { minLength: 1, maxLength: 4 }), async (contents) => {
      const found = await both(contents, search, { ...limits, matches: 1000 });
      const all = [...new Set(contents.flatMap((text) => plainly(text, search)))];
      expect(found.filter(({ text }) => !all.includes(text))).toEqual([]);
      // What is passed over has no address.
      const passed = all.filter((part) => !found.some(({ text }) => text === part));
      expect(addresses(passed)).toEqual([]);
    }),
    { numRuns: runs(150, 20_000) },
  );
});
