// A secret is redacted in any output, and only a few files may read it.

import { describe, expect, test } from "bun:test";
import { inspect } from "node:util";
import fc from "fast-check";
import { Problem } from "../../src/problem/problem.ts";
import { lineOf } from "../../src/text/lines.ts";
import { Secret } from "../../src/text/secret.ts";

/** The files that send a secret to a server, or write it into a file. */
const readers = [
  // The variables of restic, and the files that root reads them from.
  "backup/restic.ts",
  "backup/settings.ts",
  "cli/project/key/report.ts",
  // The line that is typed is a public key, which is no secret.
  "host/local-console.ts",
  "runner/registration/gitlab-api.ts",
  "sites/serve/password.ts",
  "toml/meaning.ts",
  "toml/spelling.ts",
  "watch/receivers/http.ts",
  "watch/recipe.ts",
];

const canary = "glrt-canary-0123456789";
const secret = new Secret(canary);

describe("secret", () => {
  for (const [what, text] of Object.entries({
    "a template": `${secret}`,
    "a sum": `token ${secret}`,
    "a number": String(Number(secret)),
    "an array": [secret].join(),
    "String()": String(secret),
    JSON: JSON.stringify({ token: secret, all: [secret] }),
    "an error": new Error(`refused: ${secret}`).message,
    "an inspected error": Bun.inspect(new Error("refused", { cause: { token: secret } })),
    "a problem": inspect(Problem.of(new Error(`refused: ${secret}`))),
    "inspect()": inspect({ token: secret }, { depth: 9, showHidden: true }),
    "Bun.inspect()": Bun.inspect({ token: secret, map: new Map([["token", secret]]) }),
    "its own keys": JSON.stringify([Object.entries(secret), Reflect.ownKeys(secret), { ...secret }]),
    "a line of a report": lineOf`token ${String(secret)}`,
    "a clone": inspect(structuredClone({ token: secret })),
  })) {
    test(`secret: ${what} does not contain it`, () => {
      expect(text).not.toContain("canary");
    });
  }

  test("secret: what prints it prints a mark in its place", () => {
    expect([`${secret}`, JSON.stringify(secret), inspect(secret), Bun.inspect(secret)]).toEqual([
      "[redacted]",
      '"[redacted]"',
      "[redacted]",
      "[redacted]",
    ]);
  });

  test("secret: console.log prints a mark", () => {
    const script = `const { Secret } = await import("${import.meta.dir}/../../src/text/secret.ts");
      const token = new Secret("${canary}".toUpperCase());
      console.log(token, { token }, [token], "%s %o %j", token, token, token);
      console.error(token); console.table([{ token }]); Promise.reject(token);`;
    const { stdout, stderr } = Bun.spawnSync([process.execPath, "-e", script]);
    const printed = `${stdout}${stderr}`;
    expect(stdout.toString()).toContain("[redacted]");
    expect(printed.replaceAll(canary, "")).not.toContain("CANARY");
  });

  test("secret: any text is revealed unchanged, compared in whole and redacted in the words of a server", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (text, other) => {
        const each = new Secret(text);
        expect([each.reveal(), each.isEmpty, each.equals(new Secret(text))]).toEqual([text, text === "", true]);
        expect(each.equals(new Secret(other))).toBe(text === other);
        expect(each.digest() === new Secret(other).digest()).toBe(text === other);
        const words = each.redactIn(`${other}${text}`);
        expect(words).toBe(text === "" ? other : `${other}${text}`.replaceAll(text, () => "[redacted]"));
      }),
    );
    expect([secret.matches(/^glrt-/g), secret.matches(/^glrt-/g), secret.matches(/^GR/)]).toEqual([true, true, false]);
  });

  test("secret: only the files that send or write a secret read it", async () => {
    const dir = `${import.meta.dir}/../../src`;
    const found: string[] = [];
    for (const path of new Bun.Glob("**/*.ts").scanSync(dir)) {
      if (/\.\s*reveal\b|\["reveal"\]|\{[^}]*\breveal\b[^}]*\}\s*=/.test(await Bun.file(`${dir}/${path}`).text()))
        found.push(path);
    }
    expect(found.sort()).toEqual(readers);
  });
});
