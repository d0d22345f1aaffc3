// The reader of HTML pages: its elements are those of the HTML standard, and its memory is bounded.

import { heapStats } from "bun:jsc";
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Markup } from "../../src/sites/addresses/markup.ts";
import { linksOfStyle, pageReader } from "../../src/sites/addresses/page-links.ts";

const elements = new Set(["a"]);
const wanted = new Set(["href", "id"]);

/** Returns the attributes of each element of a page that is read in these pieces. */
function read(...pieces: readonly string[]): string[] {
  const found: string[] = [];
  const page = new Markup(elements, wanted, ({ name, attributes }) => {
    if (elements.has(name) || attributes.has("id")) found.push(`${name} ${JSON.stringify([...attributes].sort())}`);
  });
  for (const piece of pieces) page.write(piece);
  return found;
}

/** Returns the same by the parser of the runtime, which follows the standard. */
function reference(page: string): string[] {
  const found: string[] = [];
  const element = (each: HTMLRewriterTypes.Element): void => {
    const attributes = [...each.attributes].reverse().filter(([key = ""]) => wanted.has(key));
    if (attributes.length === 0) return;
    found.push(`${each.tagName} ${JSON.stringify([...new Map(attributes as [string, string][])].sort())}`);
  };
  new HTMLRewriter().on("a, [id]", { element }).transform(page);
  return found;
}

describe("markup: the elements of a page are found", () => {
  test.each([
    ["with quotes of both kinds, without quotes, and without a value", `<a href="1"><a href='2'><a href=3/><a href>`],
    ["in capital letters and across lines", `<A\n  HREF = "1"\n>text</A\n><a\thref='2'/>`],
    ["with > and < in values", `<a title="a > b" href="1"><a title='<a href=no>' href=2>`],
    ["after attributes without a space between", `<a title="x"href="1"/class='y'id=z>`],
    ["with quotes and signs within a value", `<a href=it's"x=y id=z><a =href=1 href=2><a href = >`],
    ["once for each name", `<a href=1 href=2 id=x ID=y>`],
    ["not in comments", `<!-- <a href=no> --><!--><a href=1><!---><a href=2><!-- a -- > <a href=no> -->`],
    ["not in declarations", `<!doctype html><?xml <a href=no> ?><a href=1></ <a href=no>><! <a href=no>>`],
    [
      "not in scripts, styles and titles",
      `<script>"<a href=no>"</script ><style><a href=no></style><title><a href=no></title>`,
    ],
    ["not in text areas, up to their own end", `<textarea><a href=no></text></textarea><a href=1>`],
    ["in the style of a drawing, which is no text", `<svg><style><a href=1></style></svg><style><a href=no></style>`],
    ["after an empty title of a drawing", `<svg><title/><a href=1></svg><title/><a href=no></title>`],
    ["after text that only looks like a tag", `a < b <3 <> <a href=1> < a href=no>`],
    ["with signs in their names, which end no name", `<title<a id><a href=1><script"x id=2><a<b href=no><a href=3>`],
    ["not in end tags", `</a href=no><p id=1></p id=no>`],
  ])("%s", (_, page) => {
    expect(read(page)).toEqual(reference(page));
    expect(read(...page)).toEqual(reference(page));
  });

  const words = [
    "<a ",
    "<a href=",
    "<p id=",
    "</a",
    "<",
    ">",
    "/",
    "/>",
    '"',
    "'",
    "=",
    " ",
    "\n",
    "x",
    "A",
    "href",
    "id",
  ];
  const blocks = [
    "<!--",
    "-->",
    "-",
    "!",
    "<script>",
    "</script>",
    "<title",
    "</title>",
    "<svg>",
    "</svg>",
    "<style>",
    "</STYLE ",
  ];

  test("in any page as by the standard, in any pieces", () => {
    const page = fc.array(fc.constantFrom(...words, ...blocks), { maxLength: 40 });
    fc.assert(
      fc.property(page, fc.array(fc.nat(80), { maxLength: 6 }), (tokens, cuts) => {
        const text = tokens.join("");
        const ends = [...cuts.filter((cut) => cut < text.length).sort((a, b) => a - b), text.length];
        const pieces = ends.map((end, i) => text.slice(ends[i - 1] ?? 0, end));
        expect(read(...pieces)).toEqual(read(text));
        // HTML in a drawing ends it by rules that no written page needs.
        if (!text.includes("<svg>")) expect(read(text)).toEqual(reference(text));
      }),
      { numRuns: 3000 },
    );
  });
});

describe("markup: memory and work are bounded", () => {
  const size = 4 * 2 ** 20;

  /** Reads a part until it fills `size`. Returns the number of elements and the bytes that the reader keeps. */
  function load(part: string, head = "", tail = ""): { found: number; kept: number } {
    const piece = part.repeat(Math.ceil(65_536 / part.length));
    let found = 0;
    const page = new Markup(elements, wanted, () => {
      found += 1;
    });
    const before = heapBytes();
    page.write(head);
    for (let done = 0; done < size; done += piece.length) page.write(piece);
    const kept = heapBytes() - before;
    page.write(tail);
    return { found, kept };
  }

  /** Returns the number of characters that searches pass: up to their match, or to the end of the text without one. */
  function searched(run: () => void): number {
    const [{ exec }, { indexOf }] = [RegExp.prototype, String.prototype];
    let passed = 0;
    const counted = {
      exec(this: RegExp, text: string) {
        const from = this.global || this.sticky ? this.lastIndex : 0;
        const match = exec.call(this, text);
        passed += (match === null ? text.length : match.index + match[0].length) - from;
        return match;
      },
      indexOf(this: string, word: string, from = 0) {
        const at = indexOf.call(this, word, from);
        passed += (at < 0 ? this.length : at + word.length) - from;
        return at;
      },
    };
    Object.assign(RegExp.prototype, { exec: counted.exec });
    Object.assign(String.prototype, { indexOf: counted.indexOf });
    try {
      run();
    } finally {
      Object.assign(RegExp.prototype, { exec });
      Object.assign(String.prototype, { indexOf });
    }
    return passed;
  }

  function heapBytes(): number {
    Bun.gc(true);
    const { heapSize, extraMemorySize } = heapStats();
    return heapSize + extraMemorySize;
  }

  test("the bytes of a text that is kept are counted", () => {
    const before = heapBytes();
    const kept = Array.from({ length: 64 }, (_, i) => `${i}${"x".repeat(65_536)}`).join("");
    expect(kept.indexOf("y")).toBe(-1);
    expect(heapBytes() - before).toBeGreaterThan(2 ** 21);
  });

  const hostile: [string, string, string, string, number][] = [
    ["elements that are never closed", "<div>", "", "<a href=1>", 1],
    ["a comment", "<!-- <a href=no> ", "<!--", "--><a href=1>", 1],
    ["a script", "</scrip <a href=no> </", "<script>", "</script><a href=1>", 1],
    ["a value", "x", '<a href="', '"><a href=1>', 1],
    ["a value without quotes", "x", "<a href=", "><a href=1>", 1],
    ["a name of an element", "x", "<a", "><a href=1>", 1],
    ["a name of an attribute", "x", "<a ", "><a href=1>", 1],
    ["attributes of one element", " a=b", "<a href=0", "><a href=1>", 2],
    ["blanks in a tag", " ", "<a", "><a href=1>", 1],
    ["tags that are never ended", "<a <", "", "><a href=1>", 1],
    ["quotes that are never ended", `<a b='<a b="`, "", `'"><a href=1>`, 1],
  ];

  test.each(hostile)("%s of 4 MB: less than 1 MB is kept", (_, part, head, tail, found) => {
    const loaded = load(part, head, tail);
    expect(loaded.found).toBe(found);
    expect(loaded.kept).toBeLessThan(2 ** 20);
  });

  test.each(hostile)("%s of 4 MB: each character is searched at most four times", (_, part, head, tail) => {
    const passed = searched(() => load(part, head, tail));
    expect(passed).toBeGreaterThan(size / 2);
    expect(passed).toBeLessThan(4 * size);
  });
});

describe("page links:", () => {
  function partsOf(page: string) {
    const found = { anchors: [] as string[], base: [] as string[], links: [] as string[] };
    const reader = pageReader({
      anchor: (name) => void found.anchors.push(name),
      base: (href) => void found.base.push(href),
      link: (href) => void found.links.push(href),
    });
    reader.write(page);
    return found;
  }

  test("all elements that load or link to something, with their characters decoded", () => {
    const page = `<base href="/docs/"><base href="/no/">
      <a href="a?x=1&amp;y=&#x32;&unknown;" name="old"><area href="b"><link rel="stylesheet" href="c">
      <link rel="preconnect" href="no"><link rel=dns-prefetch href=no><img src="d" srcset="e 1x, f,g 2x,h, i">
      <script src="j"></script><iframe src="k"></iframe><video src="l" poster="m"><source src="n" srcset="o">
      <track src="p"></video><audio src="q"></audio><object data="r"></object><embed src="s">
      <meta http-equiv="Refresh" content="0; url='t/'"><meta name="description" content="no">
      <h1 id="caf&#233;">x</h1><input name="no" src="no"><a href="{{ page.url }}">x</a>`;
    expect(partsOf(page)).toEqual({
      anchors: ["old", "café"],
      base: ["/docs/"],
      links: ["a?x=1&y=2&unknown;", "b", "c", ..."d e f,g h i j k l m n o p q r s".split(" "), "t/"],
    });
  });

  test("a srcset of commas takes linear time", () => {
    expect(partsOf(`<img srcset="${",".repeat(16_000)}"><img srcset="${", ".repeat(8000)}a.png 2x">`).links).toEqual([
      "a.png",
    ]);
    const within = `a${",".repeat(15_000)}b`;
    expect(partsOf(`<img srcset="${within},">`.repeat(100)).links).toEqual(Array.from({ length: 100 }, () => within));
  });

  test("a style sheet: urls and imports, without comments", () => {
    const style = `@import "a.css"; @import url('b.css'); /* url(no) */ x { background: URL( c.png ) } @font-face {
      src: url("d e.woff2") format("woff2"), url(data:font/woff2;base64,AAAA) } /* url(no)`;
    expect(linksOfStyle(style)).toEqual(["a.css", "b.css", "c.png", "d e.woff2", "data:font/woff2;base64,AAAA"]);
  });
});
