// The content types that sites are served with.

import { describe, expect, test } from "bun:test";
import { directives } from "../../src/nginx/config.ts";
import { charsetTypes, compressedTypes, contentTypes } from "../../src/nginx/content-types.ts";
import { typesText } from "../../src/nginx/text.ts";

/** Returns the type of each extension, as nginx parses the file. */
function typesOf(text: string): Map<string, string> {
  const all = [...directives(text)];
  const from = all.findIndex(({ words, end }) => words.join() === "types" && end === "{");
  const to = all.findIndex(({ end }, i) => i > from && end === "}");
  const rows = all.slice(from + 1, to).flatMap(({ words: [type = "", ...extensions] }) => {
    return extensions.map((extension): [string, string] => [extension, type]);
  });
  return new Map(rows);
}

describe("content types: current site files have the type that browsers require", () => {
  const wanted: Record<string, string> = {
    html: "text/html",
    css: "text/css",
    js: "text/javascript",
    mjs: "text/javascript",
    cjs: "text/javascript",
    json: "application/json",
    map: "application/json",
    webmanifest: "application/manifest+json",
    wasm: "application/wasm",
    md: "text/markdown",
    vtt: "text/vtt",
    avif: "image/avif",
    jxl: "image/jxl",
    webp: "image/webp",
    svg: "image/svg+xml",
    woff2: "font/woff2",
    ttf: "font/ttf",
    otf: "font/otf",
    opus: "audio/ogg",
    flac: "audio/flac",
    wav: "audio/wav",
    webm: "video/webm",
    ogv: "video/ogg",
    glb: "model/gltf-binary",
    gltf: "model/gltf+json",
    xml: "text/xml",
    yaml: "application/yaml",
    epub: "application/epub+zip",
    gz: "application/gzip",
    zst: "application/zstd",
  };
  const found = typesOf(typesText);
  for (const [extension, type] of Object.entries(wanted)) {
    test(`content types: .${extension} is ${type}`, () => {
      expect(found.get(extension)).toBe(type);
    });
  }
});

test("content types: no extension has two types, and all are in lower case, as nginx requires", () => {
  const extensions = contentTypes.flatMap(([, each]) => each);
  expect(extensions.filter((each, i) => extensions.indexOf(each) !== i)).toEqual([]);
  expect(extensions.filter((each) => !/^[a-z0-9]+$/.test(each))).toEqual([]);
});

test("content types: the lists for compression and charset contain each type once, and not text/html", () => {
  for (const list of [compressedTypes, charsetTypes]) {
    expect(list).not.toContain("text/html");
    expect(new Set(list).size).toBe(list.length);
  }
});
