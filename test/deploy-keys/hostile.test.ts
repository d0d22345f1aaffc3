// 1,000 hostile sessions against the forced command: whatever a client sends, only the project of its key changes.

import { expect, test } from "bun:test";
import { type Request, readRequest } from "../../src/deploy-keys/request.ts";
import { chance, soak } from "../integration/rounds.ts";
import { tarOf } from "../sites/archives.ts";
import { hostileRequests } from "./hostile-requests.ts";
import { KeysHost } from "./keys-host.ts";

const count = soak ? 20_000 : 1000;
const seed = Number(process.env.EDOX_SEED ?? "1");
const evil = tarOf([{ name: "index.html", content: "evil" }]);

/** Paths that a deploy of the project demo may change. */
const own =
  /^\/var\/www\/docs\/(demo|\.edox-ops-(backups|assets|previews|versions)\/demo|\.edox-ops-(backups|assets|previews|versions)$)(\/|$)/;

function readOrNull(text: string): Request | null {
  try {
    return readRequest(text);
  } catch {
    return null;
  }
}

test(`hostile sessions: ${count} requests of seed ${seed} change only the project of the key`, async () => {
  using keys = await KeysHost.up();
  await keys.add("other --generate");
  keys.edit(() => {});
  const foreign = (): [string, string][] => Object.entries(keys.state()).filter(([path]) => !own.test(path));
  const before = foreign();
  const tally = { refused: 0, performed: 0 };
  for (const [i, request] of hostileRequests(count, seed).entries()) {
    const valid = readOrNull(request);
    const { exit, read, out, err } = await keys.session({ request, stdin: [evil] });
    if (valid === null) {
      tally.refused += 1;
      expect([request, exit, read]).toEqual([request, 2, false]);
    } else {
      tally.performed += 1;
      // A request of a command or a flag that does not exist is refused as well.
      expect([request, [0, 1, 2].includes(exit)]).toEqual([request, true]);
    }
    expect([request, out.split("\n").length > 1, /root:|BEGIN/.test(out + err)]).toEqual([request, true, false]);
    if (i % 100 === 99) expect(foreign()).toEqual(before);
  }
  expect(foreign()).toEqual(before);
  expect(keys.log().length).toBe(count);
  // The generator reaches both sides of the parser.
  expect(tally.refused).toBeGreaterThan(count / 2);
  expect(tally.performed).toBeGreaterThan(count / 200);
  // The programs that ran are those of a deploy.
  const programs = new Set(keys.site.fake.ran.map((line) => line.split(" ")[0] as string));
  expect([...programs].filter((name) => /^(sh|bash|id|cat|scp|rsync|sudo|\/bin)/.test(name))).toEqual([]);
});

test("hostile sessions: a request that is read has only values of the allowed characters, none of which is a flag, and a branch has one of git", () => {
  for (const text of hostileRequests(20 * count, seed + Math.floor(chance("more") * 1000))) {
    const request = readOrNull(text);
    if (request === null) continue;
    const { branch = "main", ...flags } = request.flags;
    const values = Object.values(flags).filter((value) => value !== true);
    for (const value of [...values, ...request.words]) {
      expect(value).toMatch(/^[A-Za-z0-9][A-Za-z0-9._,:/+@=-]*$/);
    }
    expect(branch).toMatch(/^[^-\p{C}\p{Z}~^:?*[\\][^\p{C}\p{Z}~^:?*[\\]*$/u);
    const others = text.replace(/--branch[= ]+\S+/g, "");
    expect(others).not.toMatch(/[^\x20-\x7e]|[;&|`$'"\\<>*?{}()!#~%]/);
  }
});
