// Malformed and hostile archives as sources of a typed deploy command.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { RejectedArchive } from "../../src/host/trees.ts";
import { cleanUp } from "../../src/sites/deploy/releases.ts";
import { deployRequest } from "../../src/sites/deploy/requests.ts";
import { unpackLimits } from "../../src/sites/deploy/unpacked.ts";
import { siteTarget } from "../../src/sites/target.ts";
import { anyText } from "../any-text.ts";
import { runs } from "../runs.ts";
import { pax, type TarMember, tarEntry, tarOf, unicodePath, zipOf } from "./archives.ts";
import { project, type TreeHost } from "./tree.ts";
import { registeredHost, type Typed, typedDeploy } from "./typed-deploy.ts";

const live = "/var/www/docs/demo";
const backups = "/var/www/docs/.edox-ops-backups/demo";
const kept = [".digests", ".last-stamp"];
const page = { name: "index.html", content: "home" };
let host: TreeHost;
beforeEach(() => {
  host = registeredHost();
});
afterEach(() => host[Symbol.dispose]());

const descriptorless = Buffer.from(
  zipOf([page, { name: "a", content: "abcdefgh" }])
    .toString("latin1")
    .replace("abcdefgh", "abcdefgx"),
  "latin1",
);
const bigPax = pax([["comment", "x".repeat(600_000)]]);

/** The reason for which an archive is rejected. */
const refusals: [string, () => Uint8Array, string][] = [
  ["a path that leads out", () => tarOf([page, { name: "../x", content: "x" }]), "'../x' leads out of the archive"],
  [
    "a path that leads out below a directory",
    () => tarOf([page, { name: "a/../../x", content: "x" }]),
    "'a/../../x' leads out of the archive",
  ],
  ["an absolute path", () => tarOf([{ name: "/etc/x", content: "x" }]), "'/etc/x' is an absolute path"],
  ["a backslash in a tar", () => tarOf([{ name: "..\\x", content: "x" }]), "'..\\x' has a backslash in its name"],
  [
    "a line break",
    () => tarOf([{ name: "a\nb", content: "x" }]),
    "'a\\x0ab' has control or replacement characters in its name",
  ],
  [
    "a name that is too long",
    () => tarOf([pax([["path", "x".repeat(300)]]), page]),
    `'${"x".repeat(120)}…' has a name that is too long`,
  ],
  [
    "a path that is too long",
    () => tarOf([pax([["path", `${"a/".repeat(100_000)}x`]]), page]),
    `'${"a/".repeat(60)}…' has a name that is too long`,
  ],
  [
    "a name in Latin-1",
    () => tarOf([{ name: Buffer.from("\xfcber.html", "latin1") }]),
    "the name '\\xfcber.html' is not UTF-8: rename the file and pack it again",
  ],
  ["a name twice", () => tarOf([page, page]), "'index.html' occurs twice"],
  [
    "one name in two spellings",
    () => tarOf([page, { ...page, name: ".//index.html" }]),
    "'.//index.html' occurs twice",
  ],
  [
    "a file below a file",
    () => tarOf([page, { name: "index.html/x", content: "x" }]),
    "'index.html/x' is below 'index.html', which is not a directory",
  ],
  [
    "a file through a link",
    () =>
      tarOf([
        { name: "l", type: "2", link: "/etc" },
        { name: "l/x", content: "x" },
      ]),
    "'l/x' is below 'l', which is not a directory",
  ],
  [
    "a file in a link's place",
    () =>
      tarOf([
        { name: "l", type: "2", link: "/etc/x" },
        { name: "l", content: "x" },
      ]),
    "'l' occurs twice",
  ],
  [
    "a link without a target",
    () => tarOf([page, { name: "l", type: "2" }]),
    "'l' is a symbolic link without a valid target",
  ],
  [
    "a hard link to a file elsewhere",
    () => tarOf([page, { name: "l", type: "1", link: "/etc/passwd" }]),
    "'/etc/passwd' is an absolute path",
  ],
  [
    "a hard link to nothing",
    () => tarOf([page, { name: "l", type: "1", link: "none" }]),
    "'l' is a hard link to 'none', which is no earlier file of the archive",
  ],
  [
    "a hard link to a link",
    () =>
      tarOf([
        { name: "s", type: "2", link: "/etc/passwd" },
        { name: "l", type: "1", link: "s" },
      ]),
    "'l' is a hard link to 's', which is no earlier file of the archive",
  ],
  [
    "a hard link with content",
    () => tarOf([page, { name: "l", type: "1", link: "index.html", content: "x" }]),
    "'l' is a hard link with a size of 1 bytes",
  ],
  [
    "a directory with content",
    () => tarOf([page, { name: "a", type: "5", content: "x" }]),
    "'a' is a directory with a size of 1 bytes",
  ],
  ["a character device", () => tarOf([page, { name: "d", type: "3" }]), "'d' is a character device"],
  ["a block device", () => tarOf([page, { name: "d", type: "4" }]), "'d' is a block device"],
  ["a named pipe", () => tarOf([page, { name: "p", type: "6" }]), "'p' is a named pipe (FIFO)"],
  ["an unknown type", () => tarOf([page, { name: "n", type: "N" }]), "'n' is of the unknown type 'N'"],
  ["a set-user-ID bit", () => tarOf([{ ...page, mode: 0o4755 }]), "'index.html' has a set-user-ID or set-group-ID bit"],
  [
    "a volume of several",
    () => tarOf([page, { name: "x", type: "M", format: "gnu" }]),
    "'x' continues from another volume: pack a single archive, without -M",
  ],
  [
    "a path for all entries",
    () => tarOf([pax([["path", "x"]], "g"), page]),
    "a global header of the tar sets path for all entries",
  ],
  [
    "a size for all entries",
    () => tarOf([pax([["size", "0"]], "g"), page]),
    "a global header of the tar sets size for all entries",
  ],
  [
    "names in another charset",
    () => tarOf([pax([["hdrcharset", "ISO-IR 8859 1 1998"]]), page]),
    "the names of the tar are in 'ISO-IR 8859 1 1998', not in UTF-8",
  ],
  [
    "a malformed record of pax",
    () => tarOf([{ name: "x", type: "x", content: "99 path=x\n" }, page]),
    "it is corrupt: an extended header (pax) is malformed",
  ],
  [
    "a negative size of pax",
    () => tarOf([pax([["size", "-1"]]), page]),
    "it is corrupt: an extended header (pax) is malformed",
  ],
  [
    "a negative size in base-256",
    () => tarOf([{ ...page, size: Buffer.alloc(12, 0xff) }]),
    "it is corrupt: invalid number in the tar header at byte 0",
  ],
  [
    "a size that is not a number",
    () => tarOf([{ ...page, size: Buffer.from("0000000000x") }]),
    "it is corrupt: invalid number in the tar header at byte 0",
  ],
  [
    "a sparse file of star",
    () => tarOf([pax([["SCHILY.realsize", "10"]]), page]),
    "'index.html' is a sparse file of an unknown form (SCHILY.realsize): pack it without holes",
  ],
  [
    "a sparse file of a later form",
    () => tarOf([pax([["GNU.sparse.major", "2"]]), page]),
    "it has a sparse file of an unknown form (GNU.sparse.2)",
  ],
  [
    "a sparse file whose segments overlap",
    () =>
      tarOf([
        pax([
          ["GNU.sparse.size", "10"],
          ["GNU.sparse.map", "0,4,2,4"],
        ]),
        { ...page, content: "headtail" },
      ]),
    "it is corrupt: the map of a sparse file is malformed",
  ],
  [
    "a sparse file with less data than its map",
    () =>
      tarOf([
        pax([
          ["GNU.sparse.size", "10"],
          ["GNU.sparse.map", "0,8"],
        ]),
        page,
      ]),
    "it is corrupt: the map of a sparse file is malformed",
  ],
  [
    "a sparse file whose map does not end",
    () =>
      tarOf([
        pax([
          ["GNU.sparse.major", "1"],
          ["GNU.sparse.minor", "0"],
          ["GNU.sparse.realsize", "9"],
        ]),
        { ...page, content: "9\n".repeat(256) },
      ]),
    "it is corrupt: the map of a sparse file is malformed",
  ],
  [
    "a hole of 8 EiB",
    () =>
      tarOf([
        pax([
          ["GNU.sparse.size", "9007199254740991"],
          ["GNU.sparse.map", "0,4"],
        ]),
        page,
      ]),
    "limit reached at 'index.html': it unpacks to more than 10737418240 bytes",
  ],
  [
    "half a tar",
    () => tarOf([{ name: "index.html", content: "x".repeat(5000) }]).subarray(0, 2000),
    "it is cut off: the end of the tar is missing",
  ],
  ["a tar without its end", () => tarOf([page]).subarray(0, -1024), "it is cut off: the end of the tar is missing"],
  [
    "two tars in one",
    () => Buffer.concat([tarOf([page]), tarOf([page])]),
    "data follows the end of the tar: pack one archive, do not join several",
  ],
  [
    "a lone block of zeros",
    () => tarOf([page, Buffer.alloc(512), { name: "x" }]),
    "data follows the end of the tar: pack one archive, do not join several",
  ],
  ["a damaged header", () => tarOf([page, Buffer.alloc(512, 1)]), "it is corrupt: no tar header at byte 1024"],
  [
    "zeros without end",
    () => gzipSync(Buffer.alloc(17 << 20)),
    "limit reached: more than 16777216 bytes of zeros follow the end of the tar",
  ],
  [
    "an extended header that is too long",
    () => tarOf([bigPax, bigPax, page]),
    "limit reached: more than 1048576 bytes of extended headers for one entry of the tar",
  ],
  [
    "3,000 global headers",
    () => gzipSync(tarOf(Array.from({ length: 3000 }, () => pax([["comment", "x".repeat(1000)]], "g")))),
    "limit reached: more than 1048576 bytes of extended headers for one entry of the tar",
  ],
  [
    "a file that decompresses to a thousand times its size",
    () => {
      const zeros = zstdCompressSync(Buffer.alloc(1 << 20));
      const start = zstdCompressSync(tarEntry({ name: "index.html", size: 270 << 20 }));
      return Buffer.concat([start, ...Array.from({ length: 270 }, () => zeros), zstdCompressSync(tarOf([]))]);
    },
    "limit reached: it unpacks to more than 1000 times its size",
  ],
  ["half a gzip", () => gzipSync(tarOf([page])).subarray(0, 60), "it cannot be read: unexpected end of file"],
  [
    "a gzip with a wrong checksum",
    () => {
      const bytes = gzipSync(tarOf([page]));
      bytes.writeUInt32LE(1, bytes.length - 8);
      return bytes;
    },
    "it cannot be read: incorrect data check",
  ],
  [
    "half a zstd",
    () => zstdCompressSync(tarOf([page])).subarray(0, 60),
    "it is cut off: the end of the tar is missing",
  ],
  [
    "no archive",
    () => new TextEncoder().encode("<html>Sign in</html>".repeat(100)),
    "it is neither a tar, a .tar.gz, a .tar.zst nor a .zip: no tar header at byte 0",
  ],
  [
    "a few words",
    () => new TextEncoder().encode("<html>Sign in</html>"),
    "it is neither a tar, a .tar.gz, a .tar.zst nor a .zip",
  ],
  ["xz", () => Buffer.from("fd377a585a000004", "hex"), "its format is xz: pack it as .tar, .tar.gz, .tar.zst or .zip"],
  ["bzip2", () => Buffer.from("BZh91AY&SY"), "its format is bzip2: pack it as .tar, .tar.gz, .tar.zst or .zip"],
  [
    "7-Zip",
    () => Buffer.from("377abcaf271c0004", "hex"),
    "its format is 7-Zip: pack it as .tar, .tar.gz, .tar.zst or .zip",
  ],
  ["nothing", () => new Uint8Array(), "it is empty"],
  ["a zip that leads out", () => zipOf([page, { name: "../x", content: "x" }]), "'../x' leads out of the archive"],
  ["an absolute path in a zip", () => zipOf([{ name: "/etc/x", content: "x" }]), "'/etc/x' is an absolute path"],
  [
    "a backslash in a zip of Unix",
    () => zipOf([page, { name: "..\\x", content: "x" }]),
    "'..\\x' has a backslash in its name",
  ],
  [
    "a backslash that leads out in a zip of Windows",
    () => zipOf([page, { name: "..\\x", content: "x", madeBy: 0 }]),
    "'../x' leads out of the archive",
  ],
  [
    "a Unicode path that leads out",
    () => zipOf([page, { name: "x", extra: unicodePath(Buffer.from("x"), "../x") }]),
    "'../x' leads out of the archive",
  ],
  [
    "a name that is declared as UTF-8 but is not",
    () => zipOf([page, { name: Buffer.from("\x81.html", "latin1") }]),
    "the name '\\x81.html' is declared as UTF-8, and is not",
  ],
  [
    "a different name in the local header",
    () => zipOf([page, { name: "a.html", localName: "b.html" }]),
    "it is corrupt: 'a.html' has another name or compression in its local header",
  ],
  [
    "a large file twice in a zip",
    () => zipOf(Array.from({ length: 2 }, () => ({ ...page, content: "x".repeat(5_000_000), method: 8 }))),
    "'index.html' occurs twice",
  ],
  [
    "a set-user-ID bit in a zip, on a large file",
    () => zipOf([{ ...page, content: "x".repeat(5_000_000), mode: 0o104755 }]),
    "'index.html' has a set-user-ID or set-group-ID bit",
  ],
  [
    "a device in a zip",
    () => zipOf([page, { name: "d", mode: 0o020644 }]),
    "'d' is neither a file, a directory nor a symbolic link",
  ],
  [
    "a link of a zip whose target is large",
    () => zipOf([page, { name: "l", content: "x".repeat(5_000_000), mode: 0o120777, method: 8 }]),
    "'l' is a symbolic link without a valid target",
  ],
  [
    "a link of a zip whose target is larger than declared",
    () => zipOf([page, { name: "l", content: "x".repeat(5_000_000), mode: 0o120777, method: 8, size: 10 }]),
    "it is corrupt: 'l' unpacks to more than its 10 bytes",
  ],
  [
    "a directory of a zip with content",
    () => zipOf([page, { name: "a/", content: "x" }]),
    "'a/' is a directory with a size of 1 bytes",
  ],
  ["an encrypted zip", () => zipOf([{ ...page, flags: 0x801 }]), "'index.html' is encrypted"],
  ["a zip by AES", () => zipOf([{ ...page, flags: 0x801, method: 99 }]), "'index.html' is encrypted"],
  [
    "a zip by Deflate64",
    () => zipOf([{ ...page, method: 9 }]),
    "'index.html' is compressed by Deflate64: pack it with Deflate, as most programs do",
  ],
  ["a zip with a damaged byte", () => descriptorless, "it is corrupt: 'a' has another checksum"],
  [
    "a zip with a damaged byte, deflated",
    () => {
      const bytes = zipOf([{ ...page, method: 8, content: "x".repeat(3_000_000) }]);
      bytes[60] = 0xff;
      return bytes;
    },
    "it is corrupt: 'index.html' unpacks to 2999252 bytes, not to its 3000000",
  ],
  [
    "a zip that unpacks to less than it declares",
    () => zipOf([{ ...page, method: 8, size: 99 }]),
    "it is corrupt: 'index.html' unpacks to 4 bytes, not to its 99",
  ],
  [
    "a large zip that unpacks to more than it declares",
    () =>
      zipOf([
        {
          ...page,
          content: Buffer.alloc(3_000_000, Buffer.from(Array.from({ length: 251 }, (_, at) => (at * 7919) % 251))),
          method: 8,
          size: 2_000_000,
        },
      ]),
    "it is corrupt: 'index.html' unpacks to more than its 2000000 bytes",
  ],
  [
    "a zip whose entries overlap",
    () => zipOf([page, { name: "x", content: "x", offset: 0 }]),
    "it is corrupt: its entries overlap",
  ],
  [
    "a zip that declares another count",
    () => zipOf([page], { count: 2 }),
    "it is corrupt: its central directory declares 2 entries and has 1",
  ],
  [
    "a zip that declares fewer entries",
    () => zipOf([page], { count: 0 }),
    "it is corrupt: its central directory has more than the 0 entries that it declares",
  ],
  ["a file without a name", () => tarOf([{ name: "." }]), "'.' is not a name of a file"],
  [
    "empty headers without end",
    () => tarOf(Array.from({ length: 3000 }, () => ({ name: "x", type: "L" }))),
    "limit reached: more than 1048576 bytes of extended headers for one entry of the tar",
  ],
  [
    "a zip with data before it",
    () => zipOf([page], { before: Buffer.from("PK\x03\x04 and more") }),
    "something stands in front of the zip or in it: self-extracting archives are not supported",
  ],
  [
    "a self-extracting zip",
    () => zipOf([page], { before: Buffer.from("MZ".padEnd(600, "x")) }),
    "something stands in front of the zip or in it: self-extracting archives are not supported",
  ],
  [
    "a zip with data after it",
    () => Buffer.concat([zipOf([page]), Buffer.from("x")]),
    "it is cut off: the end of the zip is missing",
  ],
  ["half a zip", () => zipOf([page]).subarray(0, 50), "it is cut off: the end of the zip is missing"],
  [
    "a zip that is a bomb by its declared sizes",
    () => zipOf([{ ...page, method: 8, size: 2 ** 31 }]),
    "limit reached: it unpacks to more than 1000 times its size",
  ],
];
/** The survey of the unpacked tree rejects these, as it does in a directory. */
const surveyed: [string, () => Uint8Array, string][] = [
  [
    "a symlink that leads out",
    () => tarOf([page, { name: "l", type: "2", link: "../../x" }]),
    "/srv/a/l is a link to ../../x: it leads out of the site",
  ],
  [
    "an absolute symlink",
    () => tarOf([page, { name: "l", type: "2", link: "/etc/passwd" }]),
    "/srv/a/l is a link to /etc/passwd: only relative links stay right in a site",
  ],
  [
    "a symlink of a zip that leads out",
    () => zipOf([page, { name: "l", content: "/etc/passwd", mode: 0o120777 }]),
    "/srv/a/l is a link to /etc/passwd: only relative links stay right in a site",
  ],
  [
    "an archive without a page",
    () => tarOf([{ name: "a", content: "x" }]),
    "/srv/a has no index.html (--allow-empty to publish it, --subdir for one below it)",
  ],
  ["an archive without an entry", () => tarOf([]), "/srv/a is empty (--allow-empty to publish it)"],
];
const all = [
  ...refusals.map(([name, make, said]) => [name, once(make), `/srv/a is not published: ${said}`] as const),
  ...surveyed,
];

/** Each archive is packed once for all tests, since some are packed from hundreds of megabytes. */
function once(make: () => Uint8Array): () => Uint8Array {
  let made: Uint8Array | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

function expectRefused({ exit, out, err }: Typed, said: string): void {
  const [error, hint, ...rest] = err.split("\n");
  expect([error, rest]).toEqual([`error: ${said}`, [""]]);
  expect(hint).toMatch(
    /^hint: (ls -l \/srv\/a|tar -C DIRECTORY .*|edox-ops project deploy .* (--exclude \w+|--allow-empty --dry-run --diff))$/,
  );
  expect([exit, out]).toEqual([1, ""]);
}

describe("deploy: a hostile archive is rejected by name and leaves nothing behind:", () => {
  for (const [name, make, said] of all) {
    test(name, async () => {
      await host.deploy();
      const before = host.stat(live).ino;
      writeFileSync(`${host.root}/srv/a`, make());
      expectRefused(await typedDeploy(host.root, "/srv/a"), said);
      expect(host.stat(live).ino).toBe(before);
      expect(host.list(backups)).toEqual(kept);
      expect(host.list("/etc")).toEqual(["edox-ops", "group"]);
    }, 30_000);
  }

  test("a separate process prints the same error and no stack trace", async () => {
    const sample = all.filter((_, at) => at % runs(6, 1) === 0);
    const rows = sample.map(([, make, said], at) => {
      writeFileSync(`${host.root}/srv/${at}`, make());
      return { source: `/srv/${at}`, said: said.replace("/srv/a", `/srv/${at}`) };
    });
    const child = Bun.spawn(
      [process.execPath, `${import.meta.dir}/typed-deploy.ts`, host.root, ...rows.map(({ source }) => source)],
      { stdout: "pipe", stderr: "pipe" },
    );
    const [lines, trace, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    expect([trace, code]).toEqual(["", 0]);
    const errors = lines
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as Typed).err.split("\n")[0]);
    expect(errors).toEqual(rows.map(({ said }) => `error: ${said}`));
  }, 60_000);
});

describe("deploy: an archive on a full disk:", () => {
  const deployed = async (room: object, bytes: Uint8Array): Promise<string> => {
    const { trees } = host;
    const real = trees.room;
    Object.assign(trees, { room: (path: string) => ({ ...real(path), ...room }) });
    writeFileSync(`${host.root}/srv/a`, bytes);
    const given = { source: "/srv/a", subdir: null, trusted: [0] };
    const choices = { keep: 5, backup: true, allowEmpty: false, asks: false, again: [], dryRun: false };
    const said = await deployRequest(host.host, trees, { project, selection: given, choices }).then(
      () => "published",
      ({ message, hint }) => `${message}; ${hint.join(" ")}`,
    );
    cleanUp(host.host, trees, siteTarget(project));
    return said;
  };
  const mebibyte = 2 ** 20;
  const zeros = gzipSync(tarOf([{ ...page, content: "0".repeat(10_000_000) }]));

  test("unpacking leaves a share of the disk free", async () => {
    const said = await deployed({ bytes: 205 * mebibyte, size: 4000 * mebibyte }, zeros);
    expect(said).toBe(
      "/srv/a is not published: limit reached at 'index.html': it unpacks to more than 5242880 bytes, which is what /var/www/docs has room for, with 200 MiB in reserve; df -h /var/www/docs",
    );
    expect(host.list(backups)).toEqual([]);
    expect(await deployed({ bytes: 210 * mebibyte, size: 4000 * mebibyte }, zeros)).toBe("published");
  });

  test("unpacking leaves 64 MiB of a small disk free, and 1 GiB of a large one", async () => {
    expect(await deployed({ bytes: 64 * mebibyte, size: 100 * mebibyte }, zeros)).toContain(
      "0 bytes, which is what /var/www/docs has room for, with 64 MiB in reserve",
    );
    expect(await deployed({ bytes: 74 * mebibyte, size: 100 * mebibyte }, zeros)).toBe("published");
    expect(await deployed({ bytes: 1030 * mebibyte, size: 1e15 }, zeros)).toContain("with 1024 MiB in reserve");
    expect(await deployed({ bytes: 1034 * mebibyte, size: 1e15 }, zeros)).toBe("published");
  });

  test("unpacking leaves 1,000 inodes free", async () => {
    const many = tarOf([page, { name: "a/b/c", content: "x" }]);
    expect(await deployed({ inodes: 1003 }, many)).toBe(
      "/srv/a is not published: limit reached: it has more than 3 entries, which is what /var/www/docs has room for, with 1000 inodes in reserve; df -i /var/www/docs",
    );
    expect(await deployed({ inodes: 1005 }, many)).toBe("published");
  });
});

describe("deploy: the limits of an archive:", () => {
  const made = { mode: 0o644, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const unpacked = async (bytes: Uint8Array, limits: Partial<typeof unpackLimits>): Promise<unknown> => {
    writeFileSync(`${host.root}/srv/a`, bytes);
    mkdirSync(`${host.root}/srv/out`, { recursive: true });
    const archive = host.trees.open("/srv/a", [0]);
    try {
      return await host.trees.unpack(archive ?? "-", "/srv/out", made, { ...unpackLimits, ...limits });
    } catch (error) {
      return error;
    } finally {
      archive?.close();
      rmSync(`${host.root}/srv/out`, { recursive: true });
    }
  };
  for (const [kind, bytes] of [
    ["tar", tarOf([page])],
    ["tar.gz", gzipSync(tarOf([page]))],
    ["zip", zipOf([page])],
    ["zip with a large file", zipOf([{ ...page, content: "x".repeat(3_000_000) }])],
  ] as const) {
    test(`an error of the pause ends the unpacking of a ${kind}, and is thrown as it is`, async () => {
      const stopped = Object.assign(new Error("stopped"), { code: "interrupted" });
      let pauses = 0;
      const counted = async (): Promise<void> => void ++pauses;
      expect(await unpacked(bytes, { pause: counted } as object)).toEqual([]);
      for (let at = 1; at <= pauses; at++) {
        let left = at;
        const pause = async (): Promise<void> => {
          if (--left === 0) throw stopped;
        };
        expect(await unpacked(bytes, { pause } as object)).toBe(stopped);
      }
      expect(pauses).toBeGreaterThan(0);
    });
  }

  const three = [page, { name: "a", content: "x" }, { name: "b", content: "x" }];
  const forked = [page, { name: "._a", content: "x" }, { name: "._b", content: "x" }];
  const named: TarMember[] = three.map((each) => ({ ...each }));
  const withPax = tarOf(named.flatMap((each) => [pax([["comment", "x".repeat(1000)]]), tarEntry(each)]));
  const rows: [string, Uint8Array, Partial<typeof unpackLimits>, keyof typeof unpackLimits][] = [
    ["entries of a tar", tarOf(three), { entries: 2 }, "entries"],
    ["entries of a tar that are left out", tarOf(forked), { entries: 2 }, "entries"],
    ["directories without an entry", tarOf([{ name: "a/b/c/d", content: "x" }]), { entries: 3 }, "entries"],
    ["entries of a zip", zipOf(three), { entries: 2 }, "entries"],
    ["bytes of a tar", tarOf(three), { bytes: 5 }, "bytes"],
    ["bytes of files that are left out", tarOf(forked), { bytes: 5 }, "bytes"],
    [
      "bytes of a hard link, which is a copy",
      tarOf([page, { name: "l", type: "1", link: "index.html" }]),
      { bytes: 7 },
      "bytes",
    ],
    ["bytes of a zip", zipOf(three), { bytes: 5 }, "bytes"],
    ["extended headers of a tar, together", withPax, { headerBytes: 2500 }, "headerBytes"],
    ["names of a zip", zipOf(three), { headerBytes: 140 }, "headerBytes"],
    [
      "the ratio of a gzip",
      gzipSync(tarOf([{ ...page, content: "x".repeat(95_000) }])),
      { ratio: 100, ratioFromBytes: 50_000 },
      "ratio",
    ],
    [
      "the ratio of a zip",
      zipOf([{ ...page, content: "x".repeat(100_000), method: 8 }]),
      { ratio: 100, ratioFromBytes: 50_000 },
      "ratio",
    ],
  ];
  for (const [name, bytes, limits, limit] of rows) {
    test(name, async () => {
      const more = Object.fromEntries(Object.entries(limits).map(([key, value]) => [key, value * 2]));
      expect(await unpacked(bytes, limits)).toMatchObject({
        name: "Refused",
        limit,
        message: expect.stringContaining("limit reached"),
      });
      expect(await unpacked(bytes, more)).toBeArray();
    });
  }
});

describe("deploy: a damaged archive is published, or rejected with a reason and without side effects:", () => {
  const forms: [string, Uint8Array][] = [
    [
      "a tar",
      tarOf([
        pax([
          ["path", "ü/a"],
          ["GNU.sparse.size", "9"],
          ["GNU.sparse.map", "0,4,8,1"],
        ]),
        { name: "x", content: "12345" },
        page,
        { name: "l", type: "2", link: "x" },
      ]),
    ],
    ["a gzip", gzipSync(tarOf([page]))],
    ["a zstd", zstdCompressSync(tarOf([page]))],
    [
      "a zip",
      zipOf([
        page,
        { name: "a/b", content: "x".repeat(100), method: 8, flags: 0x808, extra: unicodePath(Buffer.from("a/b"), "c") },
      ]),
    ],
  ];
  const made = { mode: 0o644, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  for (const [name, bytes] of forms) {
    test(name, async () => {
      const reasons: unknown[] = [];
      const unpack = async (damaged: Uint8Array): Promise<void> => {
        writeFileSync(`${host.root}/srv/a`, damaged);
        mkdirSync(`${host.root}/srv/out`);
        const archive = host.trees.open("/srv/a", [0]);
        await host.trees.unpack(archive ?? "-", "/srv/out", made, unpackLimits).catch((error) => reasons.push(error));
        archive?.close();
        rmSync(`${host.root}/srv/out`, { recursive: true });
      };
      for (let length = 0; length < bytes.length; length += 1 + Math.floor(bytes.length / runs(40, 2000)))
        await unpack(bytes.subarray(0, length));
      await fc.assert(
        fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(255), async (at, value) => {
          const damaged = Uint8Array.from(bytes);
          damaged[at] = value;
          await unpack(damaged);
        }),
        { numRuns: runs(40, 2000) },
      );
      expect(reasons.filter((reason) => !(reason instanceof RejectedArchive))).toEqual([]);
      expect(reasons.length).toBeGreaterThan(30);
    }, 300_000);
  }
});

test("deploy: hostile members of an archive write nothing outside, and a rejected archive leaves nothing", async () => {
  const name = fc.oneof(
    anyText({ minLength: 1, maxLength: 30 }),
    fc
      .array(fc.constantFrom("..", ".", "a", "b", "l", "", "\\", "c\u0000"), { minLength: 1, maxLength: 5 })
      .map((parts) => parts.join("/")),
  );
  const member = fc.record({
    name,
    type: fc.constantFrom("0", "1", "2", "5"),
    link: name,
    mode: fc.constantFrom(0o644, 0o4755, 0),
  });
  const choices = { keep: 5, backup: true, allowEmpty: false, asks: false, again: [], dryRun: false };
  await fc.assert(
    fc.asyncProperty(fc.array(member, { minLength: 1, maxLength: 4 }), fc.boolean(), async (members, isZip) => {
      const bytes = isZip
        ? zipOf([
            ...members.map(({ type, link, ...each }) => ({
              ...each,
              mode: type === "2" ? 0o120777 : each.mode | 0o100000,
              content: type === "2" ? link : "",
            })),
            page,
          ])
        : tarOf([
            ...members.flatMap(({ name, link, ...each }) => [
              pax([
                ["path", name],
                ["linkpath", link],
              ]),
              tarEntry({ ...each, name: "x" }),
            ]),
            page,
          ]);
      writeFileSync(`${host.root}/srv/a`, bytes);
      const given = { source: "/srv/a", subdir: null, trusted: [0] };
      await deployRequest(host.host, host.trees, { project, selection: given, choices })
        .then((request) => host.run(request))
        .catch((error) => expect(["invalid-source", "unsafe-source", "limit-exceeded"]).toContain(error.code));
      cleanUp(host.host, host.trees, siteTarget(project));
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
        ["edox-ops", "group"],
      ]);
    }),
    { numRuns: runs(60, 10_000) },
  );
}, 600_000);
