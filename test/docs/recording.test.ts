// The recorded terminal: how it is replayed and drawn, and that the committed recording shows what it should.

import { expect, test } from "bun:test";
import { castText, parseCast } from "../../build/terminal/cast.ts";
import { terminalPicture } from "../../build/terminal/picture.ts";
import { replay } from "../../build/terminal/screens.ts";
import { top } from "./markdown.ts";

const cast = (...output: [number, string][]) => ({ columns: 20, rows: 3, title: "A recording", output });
const lines = (rows: { column: number; text: string }[][]): string[] => {
  return rows.map((runs) => runs.reduce((line, { column, text }) => line.padEnd(column) + text, ""));
};

test("recording: a line that is drawn again is one line, and the erased one is not in the transcript", async () => {
  const { screens, transcript } = await replay(
    cast([0, "\r\u001B[K10 %  a  0 s"], [1, "\r\u001B[K20 %  b"], [2, "\r\u001B[Kdone\r\n"]),
  );
  expect(screens.map(({ rows }) => lines(rows)[0])).toEqual(["10 %  a  0 s", "20 %  b", "done"]);
  expect(transcript).toEqual(["done"]);
});

test("recording: colours and weights are runs with their columns", async () => {
  const { screens } = await replay(cast([0, "\u001B[1;32m✔\u001B[0m ok  \u001B[2mlate\u001B[0m"]));
  expect(screens[0]?.rows[0]).toEqual([
    { column: 0, text: "✔", style: "bold c2" },
    { column: 2, text: "ok", style: "" },
    { column: 6, text: "late", style: "dim" },
  ]);
});

test("recording: a long line is wrapped on the screen, scrolls, and is whole in the transcript", async () => {
  const { screens, transcript } = await replay(cast([0, "123456789 123456789 12345\r\nb\r\nc"]));
  expect(lines(screens.at(-1)?.rows ?? [])).toEqual(["12345", "b", "c"]);
  expect(transcript).toEqual(["123456789 123456789 12345", "b", "c"]);
});

test("recording: silence is shortened, and changes that no eye sees are one screen", async () => {
  const { screens } = await replay(cast([0, "a"], [0.01, "b"], [60, "c"]));
  expect(screens.map(({ seconds, rows }) => [seconds, ...lines(rows).slice(0, 1)])).toEqual([
    [0, "ab"],
    [1.01, "abc"],
  ]);
  const waiting = await replay(cast([0, "\r\u001B[K1 s"], [1, "\r\u001B[K2 s"]));
  expect(waiting.screens.map(({ seconds }) => seconds)).toEqual([0, 0.25]);
});

test("recording: the picture shows its last screen where motion is reduced, and escapes what was printed", async () => {
  const text = await terminalPicture(cast([0, "<b>"], [1, "\r\n&"]));
  expect(text).toContain("&#60;b&#62;");
  expect(text).not.toContain("<b>");
  expect(text).toContain("@media (prefers-reduced-motion:reduce){.film{animation:none}}");
  expect(text).toMatch(/\.film\{transform:translateY\(-57px\);animation:play [\d.]+s step-end 1\}/);
});

test("recording: a cast is read as it was written, and another format is refused", () => {
  const recorded = cast([0, "a\r\n"], [1.5, "\u001B[0m"]);
  expect(parseCast(castText(recorded))).toEqual(recorded);
  expect(() => parseCast('{"version":3}\n')).toThrow("version 3");
});

test("recording: the cursor follows the text, and waits at the last column of a full line", async () => {
  const { screens } = await replay(cast([0, "ab"], [1, "\r\n"], [2, "12345678901234567890"]));
  expect(screens.map(({ cursor }) => [cursor.row, cursor.column])).toEqual([
    [0, 2],
    [1, 0],
    [1, 19],
  ]);
});

test.each([
  ["terminal", 80],
  ["terminal-narrow", 40],
])("recording: %s shows each command once, and nothing of the machine that made it", async (name, columns) => {
  const recorded = parseCast(await Bun.file(`${top}/docs/public/${name}.cast`).text());
  expect([recorded.columns, recorded.rows]).toEqual([columns, 24]);
  const { screens, transcript } = await replay(recorded);
  const typed = transcript.filter((line) => /^# ./.test(line)).map((line) => line.split(" ").slice(1, 4).join(" "));
  expect(typed).toEqual([
    "edox-ops bootstrap --yes",
    "edox-ops project publish",
    "echo 'Version 2'",
    "edox-ops project deploy",
    "curl https://docs.example.org/",
    "edox-ops project rollback",
    "curl https://docs.example.org/",
    "edox-ops doctor",
  ]);
  expect(transcript.filter((line) => /^Version \d$/.test(line))).toEqual(["Version 2", "Version 1"]);
  expect(screens.at(-1)?.seconds).toBeLessThan(60);
  expect(transcript.join("\n")).not.toMatch(/edox-host|10\.231\.|gateway|\/work\b|error/);
});
