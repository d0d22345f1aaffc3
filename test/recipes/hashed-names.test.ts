// Which file names carry a hash: the same to nginx and to a deploy.

import { describe, expect, test } from "bun:test";
import { hasHashedName, hashedNames } from "../../src/recipes/hashed-names.ts";
import { limitsText } from "../../src/recipes/nginx-text.ts";
import { hashed, missed, unhashed } from "./names.ts";

describe("a name with a hash of its content is known as one", () => {
  for (const [generator, paths] of Object.entries(hashed)) {
    test(generator, () => {
      expect(paths.filter((path) => !hasHashedName(path))).toEqual([]);
    });
  }

  test("also below a folder, as a site under a path has it", () => {
    const below = Object.values(hashed)
      .flat()
      .map((path) => `docs/latest/${path}`);
    expect(below.filter((path) => !hasHashedName(path))).toEqual([]);
  });
});

describe("a name that a person would type has no hash", () => {
  for (const [kind, paths] of Object.entries(unhashed)) {
    test(kind, () => {
      expect(paths.filter(hasHashedName)).toEqual([]);
    });
  }

  test("and a hash that could be such a name is not taken for one", () => {
    expect(missed.filter(hasHashedName)).toEqual([]);
  });
});

describe("nginx caches exactly these names for a year", () => {
  const keys = [...limitsText([]).matchAll(/^ {4}"~([^"]+)" "public, max-age=31536000, immutable";$/gm)].map(
    ([, pattern = ""]) => pattern,
  );
  const tables = [...Object.values(hashed), ...Object.values(unhashed), missed];

  test("as PCRE, which grep has too, reads the patterns of its map", () => {
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

  test("and no pattern has what its configuration takes for something else", () => {
    // 4,096 bytes are the longest word that nginx reads; a quote ends it, and a backslash before another is one.
    for (const key of keys) {
      expect(key.length).toBeLessThan(1000);
      expect(key).not.toMatch(/["']|\\\\|\\[trn]/);
    }
  });

  test("in a time that does not grow out of hand with a hostile address", () => {
    const hostile = ["A", "a", "1", "Aa", "a1", "A1", "-", "a-", "/assets/a-", "_", ".", "1a", "/_nuxt/", "[", "(("];
    const start = performance.now();
    for (const piece of hostile) {
      for (const end of ["", "!", ".js!", "/", "-AAAAAAAA.j"]) {
        hasHashedName(`assets/x-${piece.repeat(8000 / piece.length)}${end}`);
        hasHashedName(`_nuxt/${piece.repeat(8000 / piece.length)}${end}`);
      }
    }
    expect(performance.now() - start).toBeLessThan(2000);
  });
});
