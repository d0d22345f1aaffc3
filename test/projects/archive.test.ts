// Archives as sources: those that tar, gzip, zstd and zip make, and those that nobody should have made.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { pack } from "tar-stream";
import { deployOrder } from "../../src/projects/publish.ts";
import { settle } from "../../src/projects/releases.ts";
import { project, TreeHost } from "./tree.ts";

const live = "/var/www/docs/demo";
const backups = "/var/www/docs/.edox-ops-backups/demo";
const kept = [".digests", ".last-stamp"];
const choices = { keep: 5, backup: true, allowEmpty: false, asks: false };
let host: TreeHost;
beforeEach(() => {
  host = new TreeHost();
});
afterEach(() => host[Symbol.dispose]());

interface Member {
  name: string;
  content?: string;
  type?: "file" | "directory" | "symlink" | "link" | "character-device" | "fifo";
  linkname?: string;
  mode?: number;
}

async function tarOf(members: readonly Member[]): Promise<Buffer> {
  const tar = pack();
  for (const { content = "", ...header } of members) tar.entry(header, content);
  tar.finalize();
  const pieces: Uint8Array[] = [];
  for await (const piece of tar as unknown as AsyncIterable<Uint8Array>) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** A zip with stored entries, whose names and modes are as they are given. */
function zipOf(members: readonly Member[]): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const { name, content = "", mode = 0o100644 } of members) {
    const [path, bytes] = [Buffer.from(name), Buffer.from(content)];
    const crc = Bun.hash.crc32(bytes);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(0x800, 2);
    common.writeUInt32LE(crc, 10);
    common.writeUInt32LE(bytes.length, 14);
    common.writeUInt32LE(bytes.length, 18);
    common.writeUInt16LE(path.length, 22);
    const head = Buffer.concat([Buffer.from("PK\x03\x04"), common, path, bytes]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE((mode << 16) >>> 0, 6);
    rest.writeUInt32LE(offset, 10);
    central.push(Buffer.concat([Buffer.from("PK\x01\x02"), Buffer.from([20, 3]), common, rest, path]));
    local.push(head);
    offset += head.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06");
  end.writeUInt16LE(members.length, 8);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...local, directory, end]);
}

async function deployed(bytes: Uint8Array, subdir: string | null = null): Promise<string> {
  writeFileSync(`${host.root}/srv/a`, bytes);
  try {
    const order = await deployOrder(
      project,
      { source: "/srv/a", subdir, trusted: [0] },
      choices,
      host.host,
      host.trees,
    );
    await host.run(order);
    return "";
  } catch (error) {
    return (error as Error).message;
  } finally {
    settle(host.host, host.trees, project);
  }
}

const site: Member[] = [
  { name: "./", type: "directory" },
  { name: "./index.html", content: "home", mode: 0o600 },
  { name: "./guide/one.html", content: "one" },
  { name: "./guide/latest.html", type: "symlink", linkname: "one.html" },
  { name: "./again.html", type: "link", linkname: "./guide/one.html" },
];

describe("a site in an archive is a site", () => {
  const forms: [string, (members: Member[]) => Promise<Uint8Array> | Uint8Array][] = [
    ["a tar", tarOf],
    ["a tar by gzip", async (members) => gzipSync(await tarOf(members))],
    ["a tar by zstd", async (members) => zstdCompressSync(await tarOf(members))],
    [
      "a zip",
      () =>
        zipOf([
          { name: "index.html", content: "home" },
          { name: "guide/", mode: 0o040755 },
          { name: "guide/one.html", content: "one" },
          { name: "guide/latest.html", content: "one.html", mode: 0o120777 },
          { name: "again.html", content: "one" },
        ]),
    ],
  ];
  for (const [name, make] of forms) {
    test(name, async () => {
      expect(await deployed(await make(site))).toBe("");
      expect(host.text(`${live}/guide/latest.html`)).toBe("one");
      expect(host.text(`${live}/again.html`)).toBe("one");
      expect(host.stat(`${live}/index.html`).mode & 0o777).toBe(0o644);
      const stamp = Number(host.text(`${backups}/.last-stamp`));
      expect(host.stat(`${live}/index.html`).mtimeMs).toBe(stamp * 1000);
      const { ino } = host.stat(`${live}/guide/one.html`);
      expect(
        await deployed(await make(site.map((each) => (each.content === "home" ? { ...each, content: "new" } : each)))),
      ).toBe("");
      expect(host.stat(`${live}/guide/one.html`).ino).toBe(ino);
    });
  }

  test("also a part of one, and what real programs make", async () => {
    const { root } = host;
    host.write("/srv/build/public/index.html", "real");
    for (const line of [
      "tar -C srv/build -cf a.tar .",
      "tar -C srv/build -czf a.tar.gz public",
      "tar -C srv/build --zstd -cf a.tar.zst public",
    ]) {
      expect(Bun.spawnSync(["sh", "-c", line], { cwd: root }).exitCode).toBe(0);
      const bytes = await Bun.file(`${root}/${line.split("f ")[1]?.split(" ")[0]}`).bytes();
      expect([line, await deployed(bytes, "public")]).toEqual([line, ""]);
      expect(host.text(`${live}/index.html`)).toBe("real");
    }
    expect(await deployed(await tarOf(site), "none")).toBe("--subdir 'none' is no directory in what is published");
    expect(await deployed(await tarOf(site), "../..")).toContain("is no directory in what is published");
  });
});

describe("what is sent through a pipe", () => {
  /** What is said of an archive that is sent in pieces, by a sender that ends, or stays. */
  const sent = async (ends: boolean, ...pieces: Uint8Array[]): Promise<string> => {
    mkdirSync(`${host.root}/srv/piped`);
    const made = { mode: 0o644, uid: process.getuid?.(), gid: process.getgid?.() };
    const unpack = `import { unpack } from "${import.meta.dir}/../../src/host/local-archive.ts";
      const limits = { entries: 100, bytes: 1e6 };
      await unpack("-", "srv/piped", ${JSON.stringify(made)}, limits).catch((error) => console.log(error.message));`;
    const child = Bun.spawn([process.execPath, "-e", unpack], { cwd: host.root, stdin: "pipe", stdout: "pipe" });
    for (const piece of pieces) {
      child.stdin.write(piece);
      child.stdin.flush();
      await Bun.sleep(100);
    }
    if (ends) child.stdin.end();
    const said = await child.stdout.text();
    expect(await child.exited).toBe(0);
    return said;
  };

  test("byte by byte, it is what it is", async () => {
    const bytes = gzipSync(await tarOf(site));
    expect(await sent(true, bytes.subarray(0, 1), bytes.subarray(1, 3), bytes.subarray(3))).toBe("");
    expect(host.text("/srv/piped/index.html")).toBe("home");
  });

  test("is refused, and whoever sends it is not waited for", async () => {
    expect(await sent(false, await tarOf([{ name: "../x", content: "x" }]))).toBe("../x leads out of it\n");
  });

  test("is refused where it is a zip", async () => {
    expect(await sent(false, zipOf([{ name: "index.html", content: "x" }]))).toContain(
      "a zip is read from a file, not from",
    );
  });
});

describe("is refused by name, with nothing left of it:", () => {
  const page = { name: "index.html", content: "x" };
  const cases: [string, () => Promise<Uint8Array> | Uint8Array, string][] = [
    ["a name that leads out", () => tarOf([page, { name: "../x", content: "x" }]), "../x leads out of it"],
    ["one that does so later", () => tarOf([page, { name: "a/../../x", content: "x" }]), "a/../../x leads out of it"],
    ["an absolute name", () => tarOf([{ name: "/etc/x", content: "x" }]), "/etc/x is no relative path"],
    ["a name of Windows", () => tarOf([{ name: "..\\x", content: "x" }]), "is no relative path"],
    ["a line break", () => tarOf([{ name: "a\nb", content: "x" }]), "has characters that no address has"],
    ["a name twice", () => tarOf([page, page]), "index.html stands twice in it"],
    ["one name in two spellings", () => tarOf([page, { ...page, name: ".//index.html" }]), "stands twice in it"],
    [
      "a file below a file",
      () => tarOf([page, { name: "index.html/x", content: "x" }]),
      "lies below index.html, which is no directory",
    ],
    [
      "a file through a link",
      () =>
        tarOf([
          { name: "l", type: "symlink", linkname: "/etc" },
          { name: "l/x", content: "x" },
        ]),
      "l/x lies below l, which is no directory",
    ],
    [
      "a file in a link's place",
      () =>
        tarOf([
          { name: "l", type: "symlink", linkname: "/etc/x" },
          { name: "l", content: "x" },
        ]),
      "l stands twice in it",
    ],
    [
      "a link that leads out",
      () => tarOf([page, { name: "l", type: "symlink", linkname: "../../x" }]),
      "/l is a link to ../../x: it leads out of the site",
    ],
    [
      "an absolute link",
      () => tarOf([page, { name: "l", type: "symlink", linkname: "/etc/passwd" }]),
      "is a link to /etc/passwd",
    ],
    [
      "a second name of a file elsewhere",
      () => tarOf([page, { name: "l", type: "link", linkname: "/etc/passwd" }]),
      "/etc/passwd is no relative path",
    ],
    [
      "a second name of nothing",
      () => tarOf([page, { name: "l", type: "link", linkname: "none" }]),
      "none, which is not in it",
    ],
    [
      "a second name of a link",
      () =>
        tarOf([
          { name: "s", type: "symlink", linkname: "/etc/passwd" },
          { name: "l", type: "link", linkname: "s" },
        ]),
      "which is not in it",
    ],
    [
      "a device",
      () => tarOf([page, { name: "d", type: "character-device" }]),
      "d is a character-device that no site has",
    ],
    ["a pipe", () => tarOf([page, { name: "p", type: "fifo" }]), "p is a fifo"],
    ["a set-user-ID bit", () => tarOf([{ ...page, mode: 0o4755 }]), "set-user-ID"],
    [
      "half a tar",
      async () => (await tarOf([{ name: "index.html", content: "x".repeat(5000) }])).subarray(0, 2000),
      "it cannot be read",
    ],
    ["a tar without its end", async () => (await tarOf(site)).subarray(0, -1024), "its end is missing"],
    [
      "a zip with a byte that fell over",
      () =>
        Buffer.from(
          zipOf([page, { name: "a", content: "abcdefgh" }])
            .toString("latin1")
            .replace("abcdefgh", "abcdefgx"),
          "latin1",
        ),
      "a is damaged",
    ],
    ["a zip's device", () => zipOf([page, { name: "d", mode: 0o020644 }]), "d is a thing that no site has"],
    ["half a gzip", async () => gzipSync(await tarOf(site)).subarray(0, 60), "it cannot be read"],
    ["no archive", () => new TextEncoder().encode("<html>Sign in</html>".repeat(100)), "it cannot be read"],
    ["nothing", () => new Uint8Array(), "it is empty"],
    ["a zip that leads out", () => zipOf([page, { name: "../x", content: "x" }]), "cannot be read"],
    ["an absolute zip", () => zipOf([{ name: "/etc/x", content: "x" }]), "cannot be read"],
    ["a zip with a name twice", () => zipOf([page, page]), "index.html stands twice in it"],
    [
      "a zip's link that leads out",
      () => zipOf([page, { name: "l", content: "/etc/passwd", mode: 0o120777 }]),
      "is a link to /etc/passwd",
    ],
    ["half a zip", () => zipOf([page]).subarray(0, 50), "cannot be read"],
    ["an archive without a page", () => tarOf([{ name: "a", content: "x" }]), "has no index.html"],
  ];
  for (const [name, make, said] of cases) {
    test(name, async () => {
      await host.deploy();
      const before = host.stat(live).ino;
      expect(await deployed(await make())).toContain(said);
      expect(host.stat(live).ino).toBe(before);
      expect(host.list(backups)).toEqual(kept);
      expect(host.list("/etc")).toEqual(["group"]);
    });
  }

  test("one that unpacks to more than there is room for", async () => {
    const { room } = host.trees;
    Object.assign(host.trees, { room: (path: string) => ({ ...room(path), bytes: 100_000 }) });
    expect(await deployed(gzipSync(await tarOf([{ name: "index.html", content: "0".repeat(10_000_000) }])))).toContain(
      "index.html is more than fits: it unpacks to more than 100000 bytes",
    );
    expect(host.list(backups)).toEqual([]);
  });
});

test("2,000 hostile members: none is written outside, and what is refused leaves nothing", async () => {
  const name = fc.oneof(
    fc.string({ unit: "binary", minLength: 1, maxLength: 30 }),
    fc
      .array(fc.constantFrom("..", ".", "a", "b", "l", "", "\\", "c\u0000"), { minLength: 1, maxLength: 5 })
      .map((parts) => parts.join("/")),
  );
  const member = fc.record({
    name,
    type: fc.constantFrom("file", "directory", "symlink", "link") as fc.Arbitrary<"file">,
    linkname: name,
    mode: fc.constantFrom(0o644, 0o4755, 0),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(member, { minLength: 1, maxLength: 4 }), async (members) => {
      const bytes = await tarOf([...members, { name: "index.html", content: "x" }]).catch(() => null);
      if (bytes === null) return;
      await deployed(bytes);
      for (const entry of host.trees.walk(live)) {
        const opened = host.trees.open(`${live}/${entry.path}`, [0]);
        if (opened !== null) expect(opened.real).toStartWith(live);
        opened?.close();
      }
      expect(host.list("/")).toEqual(["etc", "run", "srv", "var"]);
      expect([host.list("/srv"), host.list("/var/www/docs"), host.list("/var/www"), host.list("/etc")]).toEqual([
        ["a", "site"],
        [".edox-ops-backups", "demo"],
        ["docs"],
        ["group"],
      ]);
      rmSync(`${host.root}${backups}/.unpacked`, { recursive: true, force: true });
    }),
    { numRuns: 2000 },
  );
}, 60_000);
