// Archives as sources: archives of one tree, made by real programs, are published as that tree. No host is booted.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { TreeHost } from "../sites/tree.ts";
import { registeredHost, typedDeploy } from "../sites/typed-deploy.ts";

const work = mkdtempSync(`${tmpdir()}/edox-archives-`);
/** A path that needs the prefix field of ustar, or a header of its own. */
const long = `${"d".repeat(60)}/${"e".repeat(60)}/${"f".repeat(90)}.html`;
const hole = 2 ** 20;

/**
 * `plain` is supported by every format. `long` has a long path, `holed` a sparse file, and `foreign` names beyond
 * ASCII.
 */
type Tree = "plain" | "long" | "holed" | "foreign" | "linked";
const trees: Record<Tree, string[]> = {
  plain: [],
  long: [long],
  holed: ["big.bin"],
  foreign: ["über uns.html", "日本語.html", "naïve/œuvre.html"],
  linked: [],
};

beforeAll(async () => {
  for (const [tree, names] of Object.entries(trees)) {
    const dir = `${work}/${tree}`;
    for (const name of ["index.html", "a/b.html", "a/empty", ...names])
      await Bun.write(`${dir}/${name}`, `<p>${name}</p>`);
    writeFileSync(`${dir}/a/empty`, "");
    await Bun.write(`${dir}/large.bin`, Buffer.concat([randomBytes(200_000), Buffer.alloc(100_000, "x")]));
  }
  must("ln -s ../index.html linked/a/link.html && ln linked/a/b.html linked/hard.html");
  const fd = openSync(`${work}/holed/big.bin`, "w");
  writeSync(fd, "head", 4096);
  writeSync(fd, "tail", hole);
  ftruncateSync(fd, 2 * hole);
  closeSync(fd);
  must("git init -q git && cp -a foreign/. git/ && git -C git add -A");
  must("git -C git -c user.name=a -c user.email=a@b.test commit -qm x");
});
afterAll(() => rmSync(work, { recursive: true }));

function must(line: string, locale = "C.UTF-8"): void {
  const { exitCode, stdout, stderr } = Bun.spawnSync(["bash", "-c", `set -euo pipefail; ${line}`], {
    cwd: work,
    env: { PATH: process.env.PATH, HOME: work, LC_ALL: locale },
  });
  expect([line, exitCode, `${stdout}${stderr}`]).toEqual([line, 0, expect.any(String)]);
}

/** Returns every file and link below a directory, with its content or its target. */
async function contents(host: TreeHost, dir: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const { path, type } of host.trees.walk(dir)) {
    if (path.startsWith(".git")) continue;
    if (type === "link") found[path] = `-> ${host.trees.linkTarget(`${dir}/${path}`)}`;
    if (type === "file") found[path] = Bun.hash(await Bun.file(`${host.root}${dir}/${path}`).bytes()).toString();
  }
  return found;
}

async function expectPublished(tree: string, make: string, pattern: string, locale?: string): Promise<void> {
  using host = registeredHost();
  must(`rm -f out*; cd ${tree}; ${make}`, locale);
  const bytes = Buffer.from(await Bun.file(`${work}/out`).bytes());
  expect(bytes.includes(pattern)).toBe(true);
  await Bun.write(`${host.root}/srv/out`, bytes);
  expect(await typedDeploy(host.root, "/srv/out", "--quiet")).toEqual({ exit: 0, out: "", err: "" });
  using given = new TreeHost();
  must(`cp -a ${work}/${tree} ${given.root}/srv/given`);
  expect(await contents(host, "/var/www/docs/demo")).toEqual(await contents(given, "/srv/given"));
}

const python = (code: string): string => `python3 -c '${code}'`;
const tarfile = (format: string): string =>
  python(`import tarfile; t = tarfile.open("../out", "w", format=tarfile.${format}); t.add(".")\nt.close()`);
const zipfile = (file: string, method: string): string =>
  python(`import zipfile, pathlib, sys
z = zipfile.ZipFile(${file}, "w", zipfile.${method})
for p in sorted(pathlib.Path(".").rglob("*")): z.write(p)
z.close()`);

describe("archive table: an archive of a tree is published as that tree", () => {
  /** Creates `../out` from its working directory. `pattern`: bytes that an archive of the intended format contains. */
  const rows: [tree: Tree | "git", make: string, pattern?: string, locale?: string][] = [
    ...["gnu", "oldgnu", "pax", "posix", "ustar"].flatMap((format): [Tree, string, string][] => [
      ["long", `tar --format=${format} -cf ../out .`, "ustar"],
      ["linked", `tar --format=${format} -czf ../out .`, ""],
      ["foreign", `tar --format=${format} --zstd -cf ../out .`, ""],
    ]),
    ["linked", "tar --format=v7 -cf ../out ."],
    ["holed", "tar -S --format=gnu -cf ../out ."],
    ["holed", "tar -S --format=oldgnu -cf ../out ."],
    ["holed", "tar -S --format=pax --sparse-version=0.0 -cf ../out .", "GNU.sparse.numbytes"],
    ["holed", "tar -S --format=pax --sparse-version=0.1 -cf ../out .", "GNU.sparse.map"],
    ["holed", "tar -S --format=pax --sparse-version=1.0 -cf ../out .", "GNU.sparse.major=1"],
    ["plain", "tar -V nightly -cf ../out .", "nightly"],
    ["plain", "tar --format=pax -V nightly -cf ../out .", "GNU.volume.label"],
    ["plain", "tar -b 2048 -cf ../out ."],
    ["plain", "tar -g ../out.list -cf ../out ."],
    ["plain", "tar --xattrs --acls --selinux --format=pax -cf ../out ."],
    ["plain", "tar -cf ../out index.html && tar -rf ../out a large.bin"],
    ["linked", "busybox tar -cf ../out ."],
    ["long", "bsdtar -cf ../out ."],
    ["linked", "bsdtar -cf ../out ."],
    ["foreign", "bsdtar -cf ../out ."],
    ["holed", "bsdtar -cf ../out .", "GNU.sparse.major=1"],
    ["holed", "bsdtar --no-read-sparse -cf ../out ."],
    ["long", "bsdtar --format gnutar -cf ../out ."],
    ["long", "bsdtar --format ustar -cf ../out ."],
    ["linked", "bsdtar --format v7tar -cf ../out ."],
    ["foreign", "LC_ALL=C bsdtar --format pax -cf ../out .", "hdrcharset=BINARY"],
    ["foreign", "bsdtar --format zip -cf ../out ."],
    ["long", tarfile("GNU_FORMAT")],
    ["foreign", tarfile("GNU_FORMAT")],
    ["linked", tarfile("PAX_FORMAT")],
    ["foreign", tarfile("PAX_FORMAT")],
    ["long", tarfile("USTAR_FORMAT")],
    ["foreign", zipfile('"../out"', "ZIP_STORED")],
    ["foreign", zipfile('"../out"', "ZIP_DEFLATED")],
    ["foreign", `${zipfile("sys.stdout.buffer", "ZIP_DEFLATED")} | cat >../out`, "PK\x07\x08"],
    ["git", "git archive --format=tar -o ../out HEAD", "comment="],
    ["git", "git archive --format=zip -o ../out HEAD"],
    ["git", "git archive --format=tar.gz -o ../out HEAD"],
    ["foreign", "7zz a -ttar ../out. . >/dev/null"],
    ["long", "7zz a -ttar ../out. . >/dev/null"],
    ["foreign", "7zz a -tzip ../out. . >/dev/null"],
    ["foreign", "7zz a -tzip -mx=9 -mcu=on ../out. . >/dev/null"],
    ["linked", "zip -qry ../out.zip . && mv ../out.zip ../out"],
    ["foreign", "zip -qr ../out.zip . && mv ../out.zip ../out"],
    ["foreign", "zip -qr ../out.zip . && mv ../out.zip ../out", "", "C"],
    ["foreign", "zip -q0r ../out.zip . && mv ../out.zip ../out"],
    ["foreign", "zip -qr -fz ../out.zip . && mv ../out.zip ../out", "PK\x06\x06"],
    ["foreign", "zip -qr - . | cat >../out", "PK\x07\x08"],
    ["plain", "echo nightly | zip -qrz ../out.zip . && mv ../out.zip ../out", "nightly"],
  ];
  for (const [tree, make, pattern = "", locale] of rows) {
    test(`archive table: ${locale ?? ""} ${make} (${tree}) is published`.trim(), () =>
      expectPublished(tree, make, pattern, locale),
    );
  }
});

describe("archive table: an unsupported archive is refused by name", () => {
  const rows: [make: string, said: string][] = [
    ["tar -cJf ../out .", "its format is xz: pack it as .tar, .tar.gz, .tar.zst or .zip"],
    [
      "7zz a ../out.7z . >/dev/null && mv ../out.7z ../out",
      "its format is 7-Zip: pack it as .tar, .tar.gz, .tar.zst or .zip",
    ],
    ["tar -M -L 200 -cf ../out -f ../out2 .", "it is cut off: the end of the tar is missing"],
    [
      "tar -M -L 200 -cf ../out2 -f ../out .",
      "'./large.bin' continues from another volume: pack a single archive, without -M",
    ],
    ["7zz a -tzip -psecret ../out. large.bin >/dev/null", "'large.bin' is encrypted"],
    ["7zz a -tzip -psecret -mem=AES256 ../out. large.bin >/dev/null", "'large.bin' is encrypted"],
    [
      "7zz a -tzip -mm=Deflate64 ../out. large.bin >/dev/null",
      "'large.bin' is compressed by Deflate64: pack it with Deflate, as most programs do",
    ],
    [
      "7zz a -tzip -mm=LZMA ../out. large.bin >/dev/null",
      "'large.bin' is compressed by LZMA: pack it with Deflate, as most programs do",
    ],
    [
      "zip -q -Z bzip2 ../out.zip large.bin && mv ../out.zip ../out",
      "'large.bin' is compressed by bzip2: pack it with Deflate, as most programs do",
    ],
    ["zip -qr -s 64k ../out.zip . && mv ../out.zip ../out", "it is one part of a split zip: pack one archive"],
    ["zip -qP secret ../out.zip large.bin && mv ../out.zip ../out", "'large.bin' is encrypted"],
    ["mkfifo ../pipe && tar -C .. --transform s,^,a/, -cf ../out pipe; rm ../pipe", "'a/pipe' is a named pipe (FIFO)"],
    ["cat <(tar -c .) <(tar -c .) >../out", "data follows the end of the tar: pack one archive, do not join several"],
  ];
  for (const [make, said] of rows) {
    test(`archive table: refused: ${make}`, async () => {
      using host = registeredHost();
      must(`rm -f out*; cd plain; ${make}`);
      await Bun.write(`${host.root}/srv/out`, await Bun.file(`${work}/out`).bytes());
      const err = `error: /srv/out is not published: ${said}\nhint: tar -C DIRECTORY -czf site.tar.gz .\n`;
      expect(await typedDeploy(host.root, "/srv/out")).toEqual({ exit: 1, out: "", err });
    });
  }
});
