// The container of a bundle: a tar that standard tools read, and of which no byte can be changed.

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import fc from "fast-check";
import { chunkBytes } from "../../src/bundle/manifest.ts";
import { openBundle } from "../../src/bundle/reader.ts";
import { localHost } from "../../src/host/local.ts";
import { Problem } from "../../src/problem/problem.ts";
import { fakeHost } from "../fake-host.ts";
import { runs } from "../runs.ts";
import { bundleOf, emptyManifest, makeBundle, serial, tarOf } from "./small.ts";

const folder = mkdtempSync(`${tmpdir()}/edox-ops-`);
afterAll(() => rmSync(folder, { recursive: true }));
const local = localHost();
const text = (content: string): Uint8Array => new TextEncoder().encode(content);
/** Members with and without padding, an empty one, and one of several chunks with a long path. */
const contents = {
  "program/edox-ops": Buffer.alloc(chunkBytes + 7, "p"),
  "keys/empty.asc": text(""),
  [`repo/debian/pool/${"long/".repeat(20)}nginx_1.22.1-9+deb12u2_amd64.deb`]: text("deb"),
  "images/one.tar": Buffer.alloc(1024, "i"),
};
const signature = async (): Promise<Uint8Array> => Buffer.alloc(70, 0x30);
await makeBundle(local, `${folder}/whole.tar`, contents, { sign: signature });

/** Returns the refusal of these bytes, or null if a bundle in them is read to its end. Collects what is returned. */
async function refusal(bytes: Uint8Array, returned: Uint8Array[] = []): Promise<string | null> {
  const host = fakeHost();
  host.put("/b.tar", bytes);
  try {
    const bundle = openBundle(host, "/b.tar");
    for (const { path } of bundle.manifest.members) {
      for await (const piece of bundle.chunks(path)) returned.push(piece);
    }
    await bundle.verify();
    return null;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return `${error.code}: ${error.message}`;
  }
}

describe("bundle", () => {
  test("every member is returned as it was written, in verified chunks", async () => {
    const bundle = openBundle(local, `${folder}/whole.tar`);
    for (const [path, content] of Object.entries(contents)) {
      const pieces = await Array.fromAsync(bundle.chunks(path));
      expect(pieces.every(({ length }) => length <= chunkBytes)).toBe(true);
      expect(Buffer.compare(Buffer.concat(pieces), content)).toBe(0);
    }
    await bundle.verify();
    expect([bundle.signature?.length, bundle.size]).toEqual([70, local.stat(`${folder}/whole.tar`)?.size ?? 0]);
    bundle.close();
  });

  test("sha256sum checks the manifest of an unpacked bundle", () => {
    const script = 'cd "$1" && tar -xf whole.tar manifest.json manifest.sha256 && sha256sum -c manifest.sha256';
    expect(Bun.spawnSync(["sh", "-c", script, "sh", folder]).stdout.toString()).toBe("manifest.json: OK\n");
  });

  test("tar lists and unpacks a bundle without a warning", () => {
    const list = Bun.spawnSync(["tar", "-tvf", `${folder}/whole.tar`]);
    expect([list.exitCode, list.stderr.toString()]).toEqual([0, ""]);
    const lines = list.stdout.toString().trim().split("\n");
    expect(lines.every((line) => line.startsWith("-rw-r--r-- root/root"))).toBe(true);
    expect(lines.map((line) => line.split(" ").at(-1))).toEqual([
      "manifest.json",
      "manifest.sha256",
      "manifest.sig",
      ...Object.keys(contents),
    ]);
    const [, path = ""] = /(repo\S+)/.exec(lines.join("\n")) ?? [];
    expect(Bun.spawnSync(["tar", "-xOf", `${folder}/whole.tar`, path]).stdout.toString()).toBe("deb");
  });

  test("the same manifest and members give the same bytes", async () => {
    await makeBundle(local, `${folder}/again.tar`, contents, { sign: signature });
    expect(Buffer.compare(readFileSync(`${folder}/again.tar`), readFileSync(`${folder}/whole.tar`))).toBe(0);
  });

  test("more files than a reader takes are refused, and leave no file", async () => {
    const site = { name: "a".repeat(255), path: "sites/a.tar", files: 0, bytes: 0 };
    const changes = { sites: Array.from({ length: 30_000 }, () => site) };
    const created = makeBundle(local, `${folder}/many.tar`, { [site.path]: text("") }, { changes });
    expect(created).rejects.toThrow("the list of the bundle's files exceeds 8388608 bytes");
    await created.catch(() => undefined);
    expect(local.list(folder)?.filter((name) => name.includes("many.tar"))).toEqual([]);
  });

  test("a content that changes while the bundle is written leaves no file", async () => {
    writeFileSync(`${folder}/site.tar`, "one");
    const members = [{ path: "sites/a.tar", size: 3, chunks: ["0".repeat(64)] }];
    const changing = makeBundle(
      local,
      `${folder}/c.tar`,
      { "sites/a.tar": `${folder}/site.tar` },
      { changes: { members } },
    );
    expect(changing).rejects.toThrow("sites/a.tar was changed while it was read");
    await changing.catch(() => undefined);
    expect(local.list(folder)?.filter((name) => name.includes("c.tar"))).toEqual([]);
  });
});

describe("bundle in parts", () => {
  test("any part leads to the whole, whose parts joined by cat are the tar", async () => {
    const paths = await makeBundle(local, `${folder}/split.tar`, contents, { sign: signature, partBytes: 1_500_000 });
    expect(paths.map((path) => path.slice(folder.length + 1))).toEqual([
      "split.tar.1of3",
      "split.tar.2of3",
      "split.tar.3of3",
    ]);
    for (const path of [...paths, `${folder}/split.tar`]) {
      const bundle = openBundle(local, path);
      await bundle.verify();
      bundle.close();
    }
    const joined = Buffer.concat(paths.map((path) => readFileSync(path)));
    expect(Buffer.compare(joined, readFileSync(`${folder}/whole.tar`))).toBe(0);
  });

  test("a missing part is named", async () => {
    const host = fakeHost();
    host.dir("/mnt");
    await makeBundle(host, "/mnt/b.tar", { "keys/a": Buffer.alloc(5000) }, { partBytes: 2048 });
    host.remove("/mnt/b.tar.2of5");
    expect(() => openBundle(host, "/mnt/b.tar.3of5")).toThrow("the part b.tar.2of5 of the bundle is missing in /mnt");
  });

  test("parts of two bundles of one name are a conflict", async () => {
    const host = fakeHost();
    host.put("/mnt/b.tar.1of2", "");
    host.put("/mnt/b.tar.1of3", "");
    expect(() => openBundle(host, "/mnt/b.tar")).toThrow("/mnt holds parts of several bundles named b.tar");
  });
});

describe("bundle: refused", () => {
  const small = { "keys/a.asc": text("key"), "images/one.tar": Buffer.alloc(700, "i") };

  test("a changed bit or a cut at any place never returns wrong content", async () => {
    const host = fakeHost();
    host.dir("/mnt");
    await makeBundle(host, "/mnt/b.tar", small);
    const good = host.read("/mnt/b.tar") ?? new Uint8Array();
    const whole = Buffer.concat(Object.values(small));
    expect(await refusal(good)).toBeNull();
    const change = fc.oneof(
      fc.record({ at: fc.nat(good.length - 1), bit: fc.nat(7) }).map(({ at, bit }) => {
        const bytes = new Uint8Array(good);
        bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
        return bytes;
      }),
      fc.nat(good.length - 1).map((length) => good.slice(0, length)),
      fc.uint8Array({ minLength: 1, maxLength: 2000 }).map((more) => Buffer.concat([good, more])),
      fc.tuple(fc.nat(good.length), fc.uint8Array({ minLength: 1, maxLength: 600 })).map(([at, more]) => {
        return Buffer.concat([good.slice(0, at), more, good.slice(at)]);
      }),
      fc
        .tuple(fc.nat(good.length / 512 - 1), fc.nat(good.length / 512 - 1))
        .filter(([a, b]) => a !== b)
        .map(([a, b]) => {
          const bytes = new Uint8Array(good);
          bytes.copyWithin(a * 512, b * 512, b * 512 + 512);
          return bytes;
        }),
    );
    await fc.assert(
      fc.asyncProperty(change, async (bytes) => {
        fc.pre(Buffer.compare(bytes, good) !== 0);
        const returned: Uint8Array[] = [];
        expect(await refusal(bytes, returned)).toMatch(/^invalid-bundle: (?:the bundle |\/b\.tar is not a bundle$)/);
        expect(Buffer.compare(Buffer.concat(returned), whole.subarray(0, Buffer.concat(returned).length))).toBe(0);
      }),
      { numRuns: runs(200, 20_000) },
    );
  });

  const member = { path: "keys/a.asc", size: 3, chunks: ["2".repeat(64)] };
  const repository = {
    ...{ name: "debian", uri: "http://deb.test/debian", suite: "bookworm", components: ["main"] },
    ...{ key: null, fingerprint: null },
  };
  const cases: Record<string, [manifest: unknown, refusal: string]> = {
    "no JSON document": ["{", "has a manifest that is no JSON document"],
    "deep nesting": ["[".repeat(1e5), "has a manifest that is no JSON document"],
    "another format": [{ ...emptyManifest(), format: 2 }, "has an unknown format: a newer edox-ops made it"],
    "an unknown key": [{ ...emptyManifest(), run: "reboot" }, "has an invalid run"],
    "a repeated key": ['{"format":1,"format":1}', "has an invalid"],
    "another spelling": [JSON.stringify(emptyManifest()), "has a manifest that is not in its canonical form"],
    "a path twice": [emptyManifest({ members: [member, member] }), "names keys/a.asc twice"],
    "a second manifest": [
      emptyManifest({ members: [{ ...member, path: "manifest.json" }] }),
      "names manifest.json twice",
    ],
    "a file below a file": [
      emptyManifest({ members: [member, { ...member, path: "keys/a.asc/b" }] }),
      "has keys/a.asc/b below a file",
    ],
    "a name without content": [
      emptyManifest({ keys: [{ url: "https://a.test/", path: "keys/b" }] }),
      "names keys/b, which it does not",
    ],
    "a digest too many": [
      emptyManifest({ members: [{ ...member, chunks: ["2".repeat(64), "2".repeat(64)] }] }),
      "has a wrong number of digests",
    ],
    "a negative size": [emptyManifest({ members: [{ ...member, size: -1 }] }), "has an invalid members.0.size"],
    "an index outside of its repository": [
      emptyManifest({
        members: [{ ...member, path: "lists/InRelease" }],
        repositories: [{ ...repository, files: ["lists/InRelease"] }],
      }),
      "names lists/InRelease as an index of the repository debian",
    ],
    "an index that the host kept outside of its repository": [
      emptyManifest({
        kept: [{ path: "lists/InRelease", sha256: "2".repeat(64), size: 1 }],
        repositories: [{ ...repository, files: ["lists/InRelease"] }],
      }),
      "names lists/InRelease as an index of the repository debian",
    ],
    "a size of its own mind": [
      emptyManifest({ members: [{ ...member, size: 2 ** 60 }] }),
      "has an invalid members.0.size",
    ],
  };
  for (const path of [
    "../etc/passwd",
    "/etc/passwd",
    "a/../b",
    "a//b",
    "a/",
    "a/.",
    ".hidden",
    "a\0b",
    "a\nb",
    "ä",
    "",
    "a b",
    "-o".repeat(200),
  ]) {
    cases[`the path ${JSON.stringify(path).slice(0, 20)}`] = [
      emptyManifest({ members: [{ ...member, path }] }),
      "has an invalid path",
    ];
  }
  for (const [what, [manifest, expected]] of Object.entries(cases)) {
    test(`a manifest with ${what}`, async () => {
      expect(await refusal(bundleOf(manifest))).toStartWith(`invalid-bundle: the bundle ${expected}`);
    });
  }

  test("a member of another type or name than the declared one is refused", async () => {
    const digest = new Bun.CryptoHasher("sha256").update("key").digest("hex");
    const manifest = emptyManifest({ members: [{ path: "keys/a.asc", size: 3, chunks: [digest] }] });
    const good = bundleOf(manifest, [["keys/a.asc", text("key")]]);
    expect(await refusal(good)).toBeNull();
    const at = good.indexOf("keys/a.asc\0");
    for (const [offset, byte] of [
      [156, "2"],
      [156, "3"],
      [100, "7"],
      [0, "K"],
    ] as const) {
      const bytes = Buffer.from(good);
      bytes.write(byte, at + offset);
      expect(await refusal(bytes)).toBe("invalid-bundle: the bundle is damaged: keys/a.asc differs from its digest");
    }
  });

  test("another archive, another time, and a manifest without an end are refused", async () => {
    expect(await refusal(tarOf([["index.html", text("x")]]))).toContain("/b.tar is not a bundle");
    const manifest = text(`${JSON.stringify(emptyManifest(), null, 1)}\n`);
    expect(await refusal(tarOf([["manifest.json", manifest]], serial + 1))).toContain(
      "has a time in its header that is not its serial",
    );
    expect(await refusal(tarOf([["manifest.json", manifest]]))).toContain("is damaged: manifest.json");
    const endless = Buffer.from(tarOf([["manifest.json", manifest]]));
    endless.write("77777777777", 124);
    expect(await refusal(endless)).toStartWith("invalid-bundle: ");
  });
});
