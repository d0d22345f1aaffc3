// One line of a file that another program or person owns: every other byte stays.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { converge } from "../../src/engine/converge.ts";
import { type LineSpec, line } from "../../src/resources/line.ts";
import { anyText } from "../any-text.ts";
import { type FakeHost, fakeHost } from "../fake-host.ts";

const path = "/etc/fstab";
const title = "";

/** Applies the line to a file with this content, and returns the content after it; null for no file. */
async function applied(
  content: string | Uint8Array | null,
  spec: Omit<LineSpec, "path" | "title">,
): Promise<string | null> {
  const host = fakeHost();
  host.dir("/etc");
  if (content !== null) host.put(path, content);
  const bytes = await run(host, spec);
  return bytes === null ? null : Buffer.from(bytes).toString("latin1");
}

async function run(host: FakeHost, spec: Omit<LineSpec, "path" | "title">): Promise<Uint8Array | null> {
  const step = { id: "line", title, resources: [line({ path, title, ...spec } as LineSpec)] };
  const [result] = await converge([step], host, { act: host });
  if (result?.problem) throw result.problem;
  return host.read(path);
}

const present = (text: string, replaces?: RegExp) => ({
  state: "present" as const,
  line: text,
  ...(replaces && { replaces }),
});
const absent = (text: string | RegExp) => ({ state: "absent" as const, line: text });

describe("line: content", () => {
  for (const [what, before, spec, after] of [
    ["is appended to a file", "a\nb\n", present("c"), "a\nb\nc\n"],
    ["is appended to a file without a final line end, which stays without", "a\nb", present("c"), "a\nb\nc"],
    ["is appended with the line ends of the file", "a\r\nb\r\n", present("c"), "a\r\nb\r\nc\r\n"],
    ["is the only line of a new file", null, present("c"), "c\n"],
    ["is the only line of an empty file", "", present("c"), "c\n"],
    ["follows a byte order mark", "\xef\xbb\xbf", present("c"), "\xef\xbb\xbfc\n"],
    ["is found after a byte order mark", "\xef\xbb\xbfc\n", present("c"), "\xef\xbb\xbfc\n"],
    ["is found in any place, also without a line end", "a\nc", present("c"), "a\nc"],
    ["is not found as a part of a line", "c d\n c\n", present("c"), "c d\n c\nc\n"],
    ["takes the place of a line that matches", "a\n#x 1\nb\n", present("x 2", /^#?x /), "a\nx 2\nb\n"],
    ["keeps the line end of the line that it replaces", "x 1\r\nb\n", present("x 2", /^x/), "x 2\r\nb\n"],
    [
      "keeps the byte order mark before the line that it replaces",
      "\xef\xbb\xbfx 1\n",
      present("x 2", /^x/),
      "\xef\xbb\xbfx 2\n",
    ],
    [
      "replaces the first of several lines, and removes the others",
      "x 1\na\nx 2\nx 3",
      present("x 4", /^x/),
      "x 4\na\n",
    ],
    ["stays, and lines that it would replace are removed", "x 1\nx 4\nx 2\n", present("x 4", /^x/g), "x 4\n"],
    ["is appended where no line matches", "a\n", present("x 2", /^x/), "a\nx 2\n"],
    ["is removed each time", "c\na\nc\nc", absent("c"), "a\n"],
    ["is removed by an expression", "a 1\nb\na 2\n", absent(/^a \d$/), "b\n"],
    ["is removed after a byte order mark, which stays", "\xef\xbb\xbfc\na\n", absent("c"), "\xef\xbb\xbfa\n"],
    ["is not removed from a file that does not exist", null, absent("c"), null],
    ["of another script is compared as text", "\xc3\xa9 1\n", present("é 2", /^é/), "\xc3\xa9 2\n"],
  ] as const) {
    test(`line: it ${what}`, async () => {
      const bytes = before === null ? null : Buffer.from(before, "latin1");
      expect(await applied(bytes, spec)).toBe(after);
    });
  }

  test("line: a text of several lines, and an empty one, are programming errors", () => {
    for (const text of ["a\nb", "a\r", "", "a\0"])
      expect(() => line({ path, title, ...present(text) })).toThrow(TypeError);
  });
});

describe("line: for any bytes", () => {
  const row = fc.oneof(fc.constantFrom("c", "x 1", "x 2", "", "\xef\xbb\xbf", "\r"), anyText({ maxLength: 10 }));
  const content = fc
    .array(fc.tuple(row, fc.constantFrom("\n", "\r\n")))
    .chain((rows) =>
      fc.boolean().map((isCut) =>
        rows
          .map((each) => each.join(""))
          .join("")
          .slice(0, isCut ? -1 : undefined),
      ),
    )
    .map((text) => Uint8Array.from(Buffer.from(text, "latin1")));
  const others = (bytes: Uint8Array | string | null, matches: (text: string) => boolean): string[] =>
    (typeof bytes === "string" ? bytes : Buffer.from(bytes ?? []).toString("latin1"))
      .split("\n")
      .filter((each) => !matches(each.replace(/^\xef\xbb\xbf/, "").replace(/\r$/, "")));

  test("line: the line is there once it was applied, all other bytes stay, and a second run changes nothing", async () => {
    await fc.assert(
      fc.asyncProperty(content, async (bytes) => {
        const after = (await applied(bytes, present("c"))) ?? "";
        expect(after.replace(/^\xef\xbb\xbf/, "").split(/\r?\n/)).toContain("c");
        expect(await applied(Buffer.from(after, "latin1"), present("c"))).toBe(after);
        const before = Buffer.from(bytes).toString("latin1");
        expect(after === before || after.startsWith(before)).toBe(true);
      }),
    );
  });

  test("line: a line that was replaced or removed leaves every other line as it was", async () => {
    const isX = (text: string): boolean => /^x /.test(text);
    await fc.assert(
      fc.asyncProperty(content, async (bytes) => {
        for (const spec of [present("x 3", /^x /), absent(/^x /)]) {
          const after = (await applied(bytes, spec)) ?? "";
          const hadX = others(bytes, () => false).length > others(bytes, isX).length;
          if (spec.state === "absent" || hadX)
            expect(others(after, isX).join("\n").trimEnd()).toBe(others(bytes, isX).join("\n").trimEnd());
          expect(await applied(Buffer.from(after, "latin1"), spec)).toBe(after);
        }
      }),
    );
  });
});

describe("line: the file", () => {
  test("line: mode and owner of an existing file stay, and a new one gets those of the declaration", async () => {
    const host = fakeHost();
    host.put(path, "a\n", { mode: 0o640, uid: 5, gid: 6 });
    await run(host, present("c"));
    expect(host.stat(path)).toMatchObject({ mode: 0o640, uid: 5, gid: 6 });
    host.remove(path);
    await run(host, { ...present("c"), mode: 0o600, owner: { user: 7, group: 8 } } as never);
    expect(host.stat(path)).toMatchObject({ mode: 0o600, uid: 7, gid: 8 });
  });

  test("line: two lines of one step are both there after it", async () => {
    const host = fakeHost();
    host.put(path, "a\n");
    const resources = [line({ path, title, ...present("b") }), line({ path, title, ...present("c") })];
    const [result] = await converge([{ id: "line", title, resources }], host, { act: host });
    expect([result?.outcome, host.text(path)]).toEqual(["changed", "a\nb\nc\n"]);
  });

  test("line: root's link is followed and stays, and another user's link is refused and named", async () => {
    const host = fakeHost();
    host.put("/srv/real", "a\n");
    host.link(path, "/srv/real");
    await run(host, present("c"));
    expect([host.readLink(path), host.text("/srv/real")]).toEqual(["/srv/real", "a\nc\n"]);
    Object.assign(host.nodes.get(path) ?? {}, { uid: 1000 });
    await expect(run(host, present("d"))).rejects.toThrow(`${path} is a link of user 1000, and leads to /srv/real`);
    expect(host.text("/srv/real")).toBe("a\nc\n");
  });

  test("line: a directory and a circle of links are refused", async () => {
    const host = fakeHost();
    host.dir(path);
    await expect(run(host, present("c"))).rejects.toThrow("is not a regular file");
    host.nodes.delete(path);
    host.link(path, path);
    await expect(run(host, present("c"))).rejects.toThrow("is not a regular file");
  });
});
