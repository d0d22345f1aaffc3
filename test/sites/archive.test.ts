// Archives as sources, in every form that common programs write, and the sites that they become.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { lchownSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { type OpenedEntry, RejectedArchive } from "../../src/host/trees.ts";
import { cleanUp } from "../../src/sites/deploy/releases.ts";
import { deployRequest } from "../../src/sites/deploy/requests.ts";
import { siteTarget } from "../../src/sites/target.ts";
import { pax, type TarMember, tarEntry, tarOf, unicodePath, type ZipMember, zipOf } from "./archives.ts";
import { project, type TreeHost } from "./tree.ts";
import { registeredHost, typedDeploy } from "./typed-deploy.ts";

const live = "/var/www/docs/demo";
const backups = "/var/www/docs/.edox-ops-backups/demo";
const choices = { keep: 5, backup: true, allowEmpty: false, asks: false, again: [], dryRun: false };
const page = { name: "index.html", content: "home" };
let host: TreeHost;
beforeEach(() => {
  host = registeredHost();
});
afterEach(() => host[Symbol.dispose]());

/** Deploys an archive, and returns the warnings. */
async function deployed(bytes: Uint8Array, subdir: string | null = null): Promise<string[]> {
  writeFileSync(`${host.root}/srv/a`, bytes);
  try {
    const request = await deployRequest(host.host, host.trees, {
      project,
      selection: { source: "/srv/a", subdir, trusted: [0] },
      choices,
    });
    return (await host.run(request)).notes;
  } finally {
    cleanUp(host.host, host.trees, siteTarget(project));
  }
}

/** An archive, opened as a deploy opens it. */
function opened(path: string): OpenedEntry & Disposable {
  const found = host.trees.open(path, [0]);
  if (found === null) throw new Error(`${path} does not exist`);
  return { ...found, [Symbol.dispose]: found.close };
}

/** Returns every file and symlink of the live tree by its path. A symlink is "-> target". */
function published(): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { path, type } of host.trees.walk(live)) {
    if (type === "file") found[path] = host.text(`${live}/${path}`);
    if (type === "link") found[path] = `-> ${host.trees.linkTarget(`${live}/${path}`)}`;
  }
  return found;
}

const site: TarMember[] = [
  { name: "./", type: "5" },
  { name: "./index.html", content: "home", mode: 0o600 },
  { name: "./guide/one.html", content: "one" },
  { name: "./guide/latest.html", type: "2", link: "one.html" },
  { name: "./again.html", type: "1", link: "./guide/one.html" },
];
const zipped: ZipMember[] = [
  { name: "index.html", content: "home" },
  { name: "guide/", mode: 0o040755 },
  { name: "guide/one.html", content: "one", method: 8 },
  { name: "guide/latest.html", content: "one.html", mode: 0o120777 },
  { name: "again.html", content: "one" },
];

test("deploy: an archive is unpacked where no other user can change a name", async () => {
  host.write(`${backups}/.unpacked`, "-> /srv");
  lchownSync(host.root + backups, 33, 33);
  writeFileSync(`${host.root}/srv/a`, tarOf(site));
  const given = { source: "/srv/a", subdir: null, trusted: [0] };
  const { letGo } = await deployRequest(host.host, host.trees, { project, selection: given, choices });
  letGo?.();
  expect([host.stat(backups).uid, host.list("/srv")]).toEqual([0, ["a", "site"]]);
});

test("deploy: an archive that changes while it is read is rejected, and the hint repeats the command", async () => {
  writeFileSync(`${host.root}/srv/a`, tarOf(site));
  const unpack = () => Promise.reject(new RejectedArchive("it was changed while it was read", "unchanged"));
  Object.assign(host.trees, { unpack });
  const again = ["sudo", "edox-ops", "project", "deploy", "demo", "--keep", "3", "--source", "/srv/a"];
  const given = { source: "/srv/a", subdir: null, trusted: [0] };
  const request = deployRequest(host.host, host.trees, { project, selection: given, choices: { ...choices, again } });
  expect(await request.catch((error) => error)).toMatchObject({
    message: expect.stringContaining("it was changed while it was read"),
    hint: again,
  });
});

test("deploy: a dry run rejects an archive where another user can change a name, and changes no owner", async () => {
  host.write(`${backups}/.unpacked`, "-> /srv");
  lchownSync(host.root + backups, 33, 33);
  writeFileSync(`${host.root}/srv/a`, tarOf(site));
  const given = { source: "/srv/a", subdir: null, trusted: [0] };
  const looking = deployRequest(host.host, host.trees, {
    project,
    selection: given,
    choices: { ...choices, dryRun: true },
  });
  await expect(looking).rejects.toThrow(`another user can change ${backups}, where archives are unpacked`);
  expect([host.stat(backups).uid, host.list("/srv")]).toEqual([33, ["a", "site"]]);
});

describe("deploy: an archive is published as the same site as its directory:", () => {
  const forms: [string, (home: string) => Uint8Array][] = [
    ["a tar", (home) => tarOf(site.map((each) => (each.content === "home" ? { ...each, content: home } : each)))],
    ["a zip", (home) => zipOf(zipped.map((each) => (each.content === "home" ? { ...each, content: home } : each)))],
  ];
  forms.push(["a tar by gzip", (home) => gzipSync(forms[0]?.[1](home) ?? "")]);
  forms.push(["a tar by zstd", (home) => zstdCompressSync(forms[0]?.[1](home) ?? "")]);
  for (const [name, make] of forms) {
    test(name, async () => {
      expect(await deployed(make("home"))).toEqual([]);
      expect(published()).toEqual({
        "index.html": "home",
        "again.html": "one",
        "guide/one.html": "one",
        "guide/latest.html": "-> one.html",
      });
      expect(host.stat(`${live}/index.html`).mode & 0o777).toBe(0o644);
      const stamp = Number(host.text(`${backups}/.last-stamp`));
      expect(host.stat(`${live}/index.html`).mtimeMs).toBe(stamp * 1000);
      const { ino } = host.stat(`${live}/guide/one.html`);
      await deployed(make("new"));
      expect(host.text(`${live}/index.html`)).toBe("new");
      expect(host.stat(`${live}/guide/one.html`).ino).toBe(ino);
    });
  }

  test("deploy: --subdir publishes a directory of an archive", async () => {
    const { root } = host;
    host.write("/srv/build/public/index.html", "real");
    for (const line of [
      "tar -C srv/build -cf a.tar .",
      "tar -C srv/build -czf a.tar.gz public",
      "tar -C srv/build --zstd -cf a.tar.zst public",
    ]) {
      expect(Bun.spawnSync(["sh", "-c", line], { cwd: root }).exitCode).toBe(0);
      const bytes = await Bun.file(`${root}/${line.split("f ")[1]?.split(" ")[0]}`).bytes();
      await deployed(bytes, "public");
      expect([line, host.text(`${live}/index.html`)]).toEqual([line, "real"]);
    }
    const none = "--subdir 'none' is no directory in what is published";
    expect(deployed(tarOf(site), "none")).rejects.toThrow(none);
    expect(deployed(tarOf(site), "../..")).rejects.toThrow("is no directory in what is published");
  });
});

const hole = 100_000;
/** A sparse file with data before and after a hole of this size in bytes. */
const holed = { "index.html": "home", "big.bin": `head${"\0".repeat(hole - 4)}tail` };
const sparseMap = `2\n0\n4\n${hole}\n4\n`;
const oldNumber = (value: number) => `${value.toString(8).padStart(11, "0")}\0`;
const longName = `${"d".repeat(120)}/${"f".repeat(130)}.html`;
const decomposed = "u\u0308ber.html";

/** Deploys an archive, and returns its files and the warnings. */
const forms: [string, () => Uint8Array, Record<string, string>, string[]?][] = [
  [
    "tar: a v7 header, and a directory by its slash",
    () =>
      tarOf([
        { name: "a/", format: "v7" },
        { ...page, format: "v7" },
      ]),
    { "index.html": "home" },
  ],
  [
    "tar: a prefix of ustar",
    () => tarOf([page, { name: "x.html", prefix: "a/b", content: "x" }]),
    { "index.html": "home", "a/b/x.html": "x" },
  ],
  [
    "tar: times of GNU in the place of a prefix",
    () => tarOf([{ ...page, format: "gnu", prefix: "14000000000" }]),
    { "index.html": "home" },
  ],
  [
    "tar: a long name of GNU",
    () =>
      tarOf([
        page,
        { name: "././@LongLink", type: "L", content: `${longName}\0`, format: "gnu" },
        { name: "short", content: "x", format: "gnu" },
      ]),
    { "index.html": "home", [longName]: "x" },
  ],
  [
    "tar: a long link of GNU",
    () =>
      tarOf([
        page,
        { name: "././@LongLink", type: "K", content: `${longName}\0`, format: "gnu" },
        { name: "l", type: "2", link: "short", format: "gnu" },
      ]),
    { "index.html": "home", l: `-> ${longName}` },
  ],
  [
    "tar: a size in base-256",
    () => tarOf([{ ...page, size: Buffer.from("800000000000000000000004", "hex") }]),
    { "index.html": "home" },
  ],
  [
    "tar: a checksum of signed bytes",
    () => tarOf([signedSum({ name: "ü.html", content: "x" }), page]),
    { "index.html": "home", "ü.html": "x" },
  ],
  [
    "tar: path and size of pax replace those of the header",
    () =>
      tarOf([
        pax([
          ["path", "ü/index.html"],
          ["size", "4"],
          ["mtime", "1.5"],
          ["SCHILY.xattr.user.x", Buffer.from([0, 10, 255])],
          ["LIBARCHIVE.xattr.a", "eA=="],
        ]),
        tarEntry({ name: "x", content: "home", size: 0 }).subarray(0, 512),
        Buffer.from("home".padEnd(512, "\0")),
        page,
      ]),
    { "index.html": "home", "ü/index.html": "home" },
  ],
  [
    "tar: linkpath of pax",
    () => tarOf([page, pax([["linkpath", "index.html"]]), { name: "l", type: "2", link: "x" }]),
    { "index.html": "home", l: "-> index.html" },
  ],
  [
    "tar: an empty record of pax leaves the header's",
    () => tarOf([pax([["path", ""]]), page]),
    { "index.html": "home" },
  ],
  [
    "tar: names that pax calls binary, and are UTF-8",
    () =>
      tarOf([
        pax([
          ["hdrcharset", "BINARY"],
          ["path", "ü.html"],
        ]),
        { name: "x", content: "x" },
        page,
      ]),
    { "index.html": "home", "ü.html": "x" },
  ],
  [
    "tar: the global comment of git archive",
    () => tarOf([pax([["comment", "87f15ba"]], "g"), page]),
    { "index.html": "home" },
  ],
  [
    "tar: the label of a volume",
    () => tarOf([{ name: "nightly", type: "V", format: "gnu" }, page]),
    { "index.html": "home" },
  ],
  [
    "tar: a directory of an incremental backup, with its list",
    () => tarOf([{ name: "a/", type: "D", content: "Yx.html\0\0", format: "gnu" }, page]),
    { "index.html": "home" },
  ],
  ["tar: a contiguous file", () => tarOf([{ ...page, type: "7" }]), { "index.html": "home" }],
  [
    "tar: zeros up to a record of 1 MiB",
    () => Buffer.concat([tarOf([page]), Buffer.alloc(1 << 20)]),
    { "index.html": "home" },
  ],
  [
    "tar: a sparse file of old GNU",
    () =>
      tarOf([
        page,
        {
          name: "big.bin",
          type: "S",
          format: "gnu",
          content: "headtail",
          fields: [
            [386, `${oldNumber(0)}${oldNumber(4)}${oldNumber(hole)}${oldNumber(4)}`],
            [483, oldNumber(hole + 4)],
          ],
        },
      ]),
    holed,
  ],
  [
    "tar: a sparse file of old GNU whose map goes on",
    () => tarOf([page, oldWithMore()]),
    { "index.html": "home", "big.bin": `${"ab\0\0".repeat(6)}` },
  ],
  [
    "tar: a sparse file of pax 0.0",
    () =>
      tarOf([
        page,
        pax([
          ["GNU.sparse.size", `${hole + 4}`],
          ["GNU.sparse.numblocks", "2"],
          ["GNU.sparse.offset", "0"],
          ["GNU.sparse.numbytes", "4"],
          ["GNU.sparse.offset", `${hole}`],
          ["GNU.sparse.numbytes", "4"],
        ]),
        { name: "big.bin", content: "headtail" },
      ]),
    holed,
  ],
  [
    "tar: a sparse file of pax 0.1",
    () =>
      tarOf([
        page,
        pax([
          ["GNU.sparse.size", `${hole + 4}`],
          ["GNU.sparse.numblocks", "2"],
          ["GNU.sparse.name", "big.bin"],
          ["GNU.sparse.map", `0,4,${hole},4`],
        ]),
        { name: "GNUSparseFile.0/big.bin", content: "headtail" },
      ]),
    holed,
  ],
  [
    "tar: a sparse file of pax 1.0",
    () =>
      tarOf([
        page,
        pax([
          ["GNU.sparse.major", "1"],
          ["GNU.sparse.minor", "0"],
          ["GNU.sparse.name", "big.bin"],
          ["GNU.sparse.realsize", `${hole + 4}`],
        ]),
        { name: "GNUSparseFile.0/big.bin", content: `${sparseMap.padEnd(512, "\0")}headtail` },
      ]),
    holed,
  ],
  [
    "tar: a file that is one hole",
    () =>
      tarOf([
        page,
        pax([
          ["GNU.sparse.major", "1"],
          ["GNU.sparse.minor", "0"],
          ["GNU.sparse.name", "big.bin"],
          ["GNU.sparse.realsize", "10"],
        ]),
        { name: "x", content: "1\n10\n0\n".padEnd(512, "\0") },
      ]),
    { "index.html": "home", "big.bin": "\0".repeat(10) },
  ],
  [
    "tar: decomposed names of macOS",
    () => tarOf([page, { name: decomposed, content: "x" }]),
    { "index.html": "home", [decomposed]: "x" },
    [
      `names in decomposed Unicode (NFD), which URLs in composed form (NFC) do not find: 1, for example '${decomposed}'`,
    ],
  ],
  [
    "tar: resource forks of macOS are left out",
    () => tarOf([{ name: "./._index.html", content: "fork" }, page, { name: "a/.DS_Store", content: "x" }]),
    { "index.html": "home" },
    ["metadata of macOS left out (__MACOSX, ._*, .DS_Store): 2, for example '._index.html'"],
  ],
  [
    "zip: UTF-8 without the flag, as the Finder and Info-ZIP have it",
    () => zipOf([page, { name: "über uns.html", content: "x", flags: 0 }]),
    { "index.html": "home", "über uns.html": "x" },
  ],
  [
    "zip: code page 437, as Windows has it",
    () =>
      zipOf([page, { name: Buffer.from("\x81ber \x84\x94\xe1.html", "latin1"), content: "x", flags: 0, madeBy: 0 }]),
    { "index.html": "home", "über äöß.html": "x" },
    ["zip names that are not UTF-8, read as code page 437: 1, for example 'über äöß.html'"],
  ],
  [
    "zip: the Unicode path field replaces the name",
    () =>
      zipOf([
        page,
        {
          name: Buffer.from("\x81.html", "latin1"),
          content: "x",
          flags: 0,
          extra: unicodePath(Buffer.from("\x81.html", "latin1"), "ü.html"),
        },
      ]),
    { "index.html": "home", "ü.html": "x" },
  ],
  [
    "zip: the Unicode path field of another name is ignored",
    () =>
      zipOf([page, { name: "new.html", content: "x", flags: 0, extra: unicodePath(Buffer.from("old.html"), "../x") }]),
    { "index.html": "home", "new.html": "x" },
  ],
  [
    "zip: backslashes of old Windows programs",
    () => zipOf([page, { name: "a\\b.html", content: "x", madeBy: 0 }]),
    { "index.html": "home", "a/b.html": "x" },
    ["zip names with backslashes, read as directories: 1, for example 'a/b.html'"],
  ],
  [
    "zip: attributes of another system are no mode of Unix",
    () =>
      zipOf([
        page,
        { name: "x.html", content: "x", madeBy: 0, attributes: (0o120777 << 16) >>> 0 },
        { name: "y.html", content: "y", madeBy: 10, attributes: (0o104755 << 16) >>> 0 },
      ]),
    { "index.html": "home", "x.html": "x", "y.html": "y" },
  ],
  [
    "zip: sizes behind the content (data descriptors)",
    () =>
      zipOf([
        { ...page, method: 8, flags: 0x808 },
        { name: "x.html", content: "x", flags: 0x8 },
      ]),
    { "index.html": "home", "x.html": "x" },
  ],
  ["zip: a comment", () => zipOf([page], { comment: "made by hand, PK\x05\x06 and all" }), { "index.html": "home" }],
  [
    "zip: resource forks of the Finder are left out",
    () =>
      zipOf([
        page,
        { name: "__MACOSX/", mode: 0o040755 },
        { name: "__MACOSX/._index.html", content: "fork" },
        { name: ".DS_Store", content: "x" },
      ]),
    { "index.html": "home" },
    ["metadata of macOS left out (__MACOSX, ._*, .DS_Store): 3, for example '__MACOSX'"],
  ],
  [
    "zip: a large file, deflated",
    () => zipOf([{ name: "index.html", content: "0123456789".repeat(200_000), method: 8 }]),
    { "index.html": "0123456789".repeat(200_000) },
  ],
  [
    "zip: a directory that has the mode of one and no slash",
    () => zipOf([page, { name: "a", mode: 0o040755 }]),
    { "index.html": "home" },
  ],
];

/** Six pairs of bytes, each followed by two zeros: four in the header, two in a separate block. */
function oldWithMore(): Buffer {
  const map = Array.from({ length: 6 }, (_, at) => oldNumber(at * 4) + oldNumber(2));
  const fields: [number, string][] = [
    [386, map.slice(0, 4).join("")],
    [482, "\x01"],
    [483, oldNumber(24)],
  ];
  const header = tarEntry({ name: "big.bin", type: "S", format: "gnu", size: 12, fields });
  const content = Buffer.from("ab".repeat(6).padEnd(512, "\0"));
  return Buffer.concat([header, Buffer.from(map.slice(4).join("").padEnd(512, "\0")), content]);
}

function signedSum(member: TarMember): Buffer {
  const entry = tarEntry(member);
  entry.fill(" ", 148, 156);
  const sum = entry.subarray(0, 512).reduce((total, byte) => total + (byte > 0x7f ? byte - 0x100 : byte), 0);
  entry.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return entry;
}

describe("deploy: the files and warnings of an archive:", () => {
  for (const [name, make, files, warnings = []] of forms) {
    test(name, async () => {
      expect(await deployed(make())).toEqual(warnings);
      expect(published()).toEqual(files);
    });
  }

  test("deploy: the warnings of an archive are printed, logged and in the JSON, in a dry run too", async () => {
    writeFileSync(`${host.root}/srv/a`, tarOf([page, { name: "._index.html" }]));
    const warning = "metadata of macOS left out (__MACOSX, ._*, .DS_Store): 1, for example '._index.html'";
    expect((await typedDeploy(host.root, "/srv/a", "--dry-run")).err).toBe(`warning: ${warning}\n`);
    expect(JSON.parse((await typedDeploy(host.root, "/srv/a", "--dry-run", "--json")).out).warnings).toEqual([warning]);
    expect((await typedDeploy(host.root, "/srv/a")).err).toBe(`warning: ${warning}\n`);
    expect(JSON.parse((await typedDeploy(host.root, "/srv/a", "--json")).out).warnings).toEqual([warning]);
    expect(host.text("/var/log/edox-ops/project.log").match(/WARNING project.deploy metadata of macOS/g)).toHaveLength(
      2,
    );
  });

  test("deploy: a hole stays sparse on the disk while it is unpacked", async () => {
    const far = 2 ** 31;
    const records: [string, string][] = [
      ["GNU.sparse.major", "1"],
      ["GNU.sparse.minor", "0"],
      ["GNU.sparse.name", "big.bin"],
      ["GNU.sparse.realsize", `${far}`],
    ];
    writeFileSync(`${host.root}/srv/a`, tarOf([pax(records), { name: "x", content: "1\n0\n0\n".padEnd(512, "\0") }]));
    mkdirSync(`${host.root}/srv/out`);
    const limits = { entries: 10, bytes: far, headerBytes: 1e6, ratio: 1000, ratioFromBytes: 1e6, idleMs: 1000 };
    using archive = opened("/srv/a");
    await host.trees.unpack(archive, "/srv/out", { mode: 0o644, uid: 0, gid: 0 }, limits);
    const { size, blocks } = statSync(`${host.root}/srv/out/big.bin`);
    expect([size, blocks]).toEqual([far, 0]);
  });
});
