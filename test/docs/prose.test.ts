// The language of the documentation: standard terms and short sentences.

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { pagePaths, top, withoutBlocks } from "./markdown.ts";

/** A longer sentence has more than one idea. */
const mostWords = 24;

/** Generated from the help of the commands, which has tests of its own. The changelog is a record of the past. */
const excluded = ["docs/commands.md", "CHANGELOG.md"];

/** Words that a reader who knows the field has to translate. */
const dialect = [
  /\b(told|tells|heed(s|ed)?|somebody('s| else)?|whoever|whatever|wherever|anew)\b/i,
  /\b(put|puts|putting) back\b/i,
  /\b(take|takes|taken|took|taking) (it |them |this |that )?away\b/i,
  /\b(passed|passes|pass) over\b/i,
  /\bat (a|your|the) desk\b/i,
  /\bwhat (holds|is had)\b/i,
  /\banswered by nothing\b/i,
  /\bchanges? places\b/i,
  /\bsays? (so|what|how|why|whether|it)\b/i,
  /\blooked at\b/i,
  /\b(of before|of old)\b/i,
  /\bas wanted\b/i,
  /\bmends?\b/i,
  /\bhalf[- ]done\b/i,
];

/** Returns the prose of a page as sentences. Code, tables and markup are no prose. */
function sentencesOf(text: string): string[] {
  const prose = withoutBlocks(text)
    .replace(/^---\n[\s\S]*?\n---\n/, "")
    .replace(/<!--[\s\S]*?-->/g, "")
    .replace(/^( *[|<]|#).*$/gm, "")
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/`[^`]*`/g, "CODE")
    .replace(/[*_]{1,2}/g, "");
  const paragraphs = prose.replace(/^ *(?:- |\d+\. )/gm, "\n\n").split(/\n\s*\n/);
  return paragraphs.flatMap((paragraph) =>
    paragraph
      .replace(/\s+/g, " ")
      .trim()
      .split(/(?<=[.?!])\s+|(?<=:)\s+(?=[A-Z])/),
  );
}

function wordsIn(sentence: string): number {
  return sentence.split(/\s+/).filter((word) => /\w/.test(word)).length;
}

for (const path of pagePaths.filter((path) => !excluded.includes(path))) {
  const sentences = sentencesOf(readFileSync(`${top}/${path}`, "utf8"));

  test(`prose: no sentence of ${path} has more than ${mostWords} words`, () => {
    expect(sentences.filter((each) => wordsIn(each) > mostWords)).toEqual([]);
  });

  test(`prose: ${path} uses the terms of the field`, () => {
    expect(sentences.filter((each) => dialect.some((word) => word.test(each)))).toEqual([]);
  });
}

test("prose: a long sentence and a dialect word are detected in a list, and not in code or a table", () => {
  const long = `One ${"word ".repeat(mostWords)}is too many.`;
  const text = `# Told\n\nIt is told.\n\n| told |\n\n\`told\`\n\n\`\`\`\ntold\n\`\`\`\n\n- ${long}\n- Short: ${"word ".repeat(20)}\n`;
  const sentences = sentencesOf(text);
  expect(sentences.filter((each) => dialect.some((word) => word.test(each)))).toEqual(["It is told."]);
  expect(sentences.filter((each) => wordsIn(each) > mostWords)).toEqual([long]);
});
