// docs/https.md quotes messages that the program prints.

import { expect, test } from "bun:test";
import { textOf } from "../docs/markdown.ts";

const src = `${import.meta.dir}/../../src`;
const sources = ["certs/**/*.ts", "resources/{port,ready}.ts"].flatMap((glob) => [...new Bun.Glob(glob).scanSync(src)]);

test("docs: each message that the page about HTTPS quotes is one of the program", async () => {
  const texts = await Promise.all(sources.map((path) => Bun.file(`${src}/${path}`).text()));
  const program = texts.join("\n");
  const quoted = [...textOf("docs/https.md").matchAll(/^\| `([^`]+)` +\|/gm)].map(([, text = ""]) => text);
  const messages = quoted.filter((text) => !text.startsWith("--"));
  expect(messages.length).toBeGreaterThan(20);
  const parts = messages.flatMap((text) =>
    text
      .split("…")
      .map((part) => part.trim())
      .filter(Boolean),
  );
  expect(parts.filter((part) => !program.includes(part))).toEqual([]);
});
