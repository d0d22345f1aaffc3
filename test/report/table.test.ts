import { expect, test } from "bun:test";
import { table } from "../../src/report/table.ts";
import { wrap } from "../../src/report/wrap.ts";

const headers = ["SLUG", "URL", "STATUS"];
const rows = [
  ["docs", "https://docs.example.org/", "live"],
  ["日本", "http://a.test/\u001B[31m", "disabled"],
];

test("table: columns are aligned by the width of their characters, and control sequences are removed", () => {
  expect(table(headers, rows, 80)).toBe(
    "SLUG  URL                        STATUS\n" +
      "docs  https://docs.example.org/  live\n" +
      "日本  http://a.test/             disabled\n",
  );
});

test("table: on a narrow terminal each row is a block, and nothing is cut", () => {
  expect(table(headers, rows, 38)).toBe(
    "SLUG    docs\nURL     https://docs.example.org/\nSTATUS  live\n\n" +
      "SLUG    日本\nURL     http://a.test/\nSTATUS  disabled\n",
  );
});

test("wrap: lines break between words within the width, with a hanging indent, and a long word stays whole", () => {
  const text = "Retry in a minute or see /var/log/edox-ops/bootstrap-of-this-host.log for more";
  expect(wrap(text, 30, 4)).toBe(
    "Retry in a minute or see\n    /var/log/edox-ops/bootstrap-of-this-host.log\n    for more",
  );
  expect(wrap("short", 30)).toBe("short");
});
