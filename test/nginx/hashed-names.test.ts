// Which file names contain a hash. nginx and deploys must agree on it.

import { describe, expect, test } from "bun:test";
import { hasHashedName, hashedNames } from "../../src/nginx/hashed-names.ts";
import { limitsText } from "../../src/nginx/text.ts";
import { processorTime } from "../processor-time.ts";
import { hashed, missed, unhashed } from "./names.ts";

describe("hashed names: a name with a content hash is recognized", () => {
  for (const [generator, paths] of Object.entries(hashed)) {
    test(`hashed names: recognized in ${generator}`, () => {
      expect(paths.filter((path) => !hasHashedName(path))).toEqual([]);
    });
  }

  test("hashed names: a name with a content hash is recognized in any folder", () => {
    const below = Object.values(hashed)
      .flat()
      .map((path) => `docs/latest/${path}`);
    expect(below.filter((path) => !hasHashedName(path))).toEqual([]);
  });
});

describe("hashed names: a name without a hash is not recognized", () => {
  for (const [kind, paths] of Object.entries(unhashed)) {
    test(`hashed names: not recognized in ${kind}`, () => {
      expect(paths.filter(hasHashedName)).toEqual([]);
    });
  }

  test("hashed names: a hash that could be an ordinary name is not recognized", () => {
    expect(missed.filter(hasHashedName)).toEqual([]);
  });
});

describe("hashed names: nginx caches exactly these names for a year", () => {
  const keys = [
    ...limitsText({ names: [], variables: [] }).matchAll(/^ {4}"~([^"]+)" "public, max-age=31536000, immutable";$/gm),
  ].map(([, pattern = ""]) => pattern);
  const tables = [...Object.values(hashed), ...Object.values(unhashed), missed];

  test("hashed names: PCRE and JavaScript agree on every pattern of nginx's map", () => {
    const all = tables.flat().map((path) => `/${path}`);
    const cached = new Set<string>();
    for (const key of keys) {
      const { stdout, stderr } = Bun.spawnSync(["grep", "-P", "-e", key], { stdin: Buffer.from(all.join("\n")) });
      expect(stderr.toString()).toBe("");
      for (const path of stdout.toString().split("\n")) cached.add(path);
    }
    expect(all.filter((path) => cached.has(path) !== hasHashedName(path.slice(1)))).toEqual([]);
    expect(keys).toHaveLength(hashedNames.length);
  });

  test("hashed names: no pattern contains a character that nginx's configuration would interpret", () => {
    // The longest word that nginx reads has 4,096 bytes. A quote ends it, and a backslash escapes another one.
    for (const key of keys) {
      expect(key.length).toBeLessThan(1000);
      expect(key).not.toMatch(/["']|\\\\|\\[trn]/);
    }
  });

  test("hashed names: a hostile URL is matched in bounded time", async () => {
    const hostile = ["A", "a", "1", "Aa", "a1", "A1", "-", "a-", "/assets/a-", "_", ".", "1a", "/_nuxt/", "[", "(("];
    const seconds = await processorTime(() => {
      for (const piece of hostile) {
        for (const end of ["", "!", ".js!", "/", "-AAAAAAAA.j"]) {
          hasHashedName(`assets/x-${piece.repeat(8000 / piece.length)}${end}`);
          hasHashedName(`_nuxt/${piece.repeat(8000 / piece.length)}${end}`);
        }
      }
    });
    expect(seconds).toBeLessThan(2);
  });
});
