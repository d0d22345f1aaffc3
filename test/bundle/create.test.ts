// The parts of `bundle create` that need no repository: hostile files, keys, names, sizes, and what a delta leaves out.

import { afterAll, describe, expect, test } from "bun:test";
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import fc from "fast-check";
import { deltaOf } from "../../src/bundle/create/delta.ts";
import { savedImages } from "../../src/bundle/create/image-file.ts";
import { releaseOf } from "../../src/bundle/create/release.ts";
import { signingKey } from "../../src/bundle/create/signing-key.ts";
import { writeSiteTar } from "../../src/bundle/create/site-tar.ts";
import { distributionSources, type Source } from "../../src/bundle/create/sources.ts";
import { demandAccepted } from "../../src/bundle/create/vendor-source.ts";
import { inventoryText, readInventory, statusOf, takeInventory } from "../../src/bundle/inventory.ts";
import { openBundle } from "../../src/bundle/reader.ts";
import create from "../../src/cli/bundle/create.ts";
import { features } from "../../src/cli/features.ts";
import { gatherFacts } from "../../src/engine/facts.ts";
import type { Feature } from "../../src/engine/feature.ts";
import { localHost } from "../../src/host/local.ts";
import { localTrees } from "../../src/host/local-trees.ts";
import { Problem } from "../../src/problem/problem.ts";
import { isSigned, signerOf } from "../../src/signature/ecdsa.ts";
import { publicKeys } from "../../src/signature/openpgp.ts";
import { typed } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";
import { fakeHost, ok } from "../fake-host.ts";
import { keyring, signature } from "../openpgp.ts";
import { emptyManifest, makeBundle, tarOf } from "./small.ts";

const folder = mkdtempSync(`${tmpdir()}/edox-ops-`);
afterAll(() => rmSync(folder, { recursive: true }));
const trixie = { family: "debian", codename: "trixie", architecture: "amd64" } as const;
const digestOf = (text: string): string => new Bun.CryptoHasher("sha256").update(text).digest("hex");

/** Returns the message of the Problem that `act` ends with, or "" for none. */
async function problemOf(act: () => unknown): Promise<string> {
  try {
    await act();
    return "";
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return `${error.code}: ${error.message}`;
  }
}

describe("image file", () => {
  const config = JSON.stringify({ architecture: "amd64", created: "2026-01-02T03:04:05Z" });
  const name = `blobs/sha256/${digestOf(config)}`;
  const list = (changes = {}): string => JSON.stringify([{ Config: name, RepoTags: ["alpine:3.22"], ...changes }]);
  const problemIn = (members: [string, string][]): Promise<string> => {
    const host = fakeHost();
    host.put("/i.tar", tarOf(members.map(([path, text]) => [path, Buffer.from(text)])));
    return problemOf(() => savedImages(host, "/i.tar", "amd64"));
  };

  test("the configuration's digest and time are returned for each name", () => {
    const host = fakeHost();
    host.put(
      "/i.tar",
      tarOf([
        [name, Buffer.from(config)],
        ["manifest.json", Buffer.from(list())],
      ]),
    );
    const seconds = Date.parse("2026-01-02T03:04:05Z") / 1000;
    const expected = { reference: "alpine:3.22", config: `sha256:${digestOf(config)}`, seconds };
    expect(savedImages(host, "/i.tar", "amd64")).toEqual([expected]);
  });

  test("a file that is not an image of this architecture is refused", async () => {
    const lie = `blobs/sha256/${"0".repeat(64)}`;
    const arm = JSON.stringify({ architecture: "arm64" });
    const armName = `blobs/sha256/${digestOf(arm)}`;
    expect(await problemIn([["x", "y"]])).toContain("has no manifest.json");
    expect(await problemIn([["manifest.json", "{"]])).toContain("no JSON");
    expect(await problemIn([["manifest.json", "[]"]])).toContain("not that of `docker save`");
    expect(await problemIn([["manifest.json", list()]])).toContain(`has no ${name}`);
    expect(
      await problemIn([
        [lie, config],
        ["manifest.json", list({ Config: lie })],
      ]),
    ).toContain("checksum");
    expect(
      await problemIn([
        [name, config],
        ["manifest.json", list({ RepoTags: null })],
      ]),
    ).toContain("no name");
    expect(
      await problemIn([
        [armName, arm],
        ["manifest.json", list({ Config: armName })],
      ]),
    ).toContain("for arm64");
    expect(
      await problemIn([
        [name, config],
        [name, config],
        ["manifest.json", list()],
      ]),
    ).toContain("twice");
  });

  test("random and truncated files are refused without a crash", async () => {
    const whole = tarOf([
      [name, Buffer.from(config)],
      ["manifest.json", Buffer.from(list())],
    ]);
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 2000 }),
      fc.nat(whole.length - 2048).map((end) => whole.subarray(0, end)),
    );
    await fc.assert(
      fc.asyncProperty(bytes, async (content) => {
        const host = fakeHost();
        host.put("/i.tar", content);
        expect(await problemOf(() => savedImages(host, "/i.tar", "amd64"))).toMatch(/^invalid-source: /);
      }),
      { numRuns: 200 },
    );
  });
});

describe("inventory", () => {
  test("an inventory holds the installed packages as apt has to know them", async () => {
    const host = fakeDebian();
    const status = [
      "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36-9\nDepends: libgcc-s1,\n libcrypt1",
      "Package: gone\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1",
      "Package: dpkg\nStatus: hold ok installed\nArchitecture: amd64\nVersion: 1.21\nEssential: yes",
    ];
    host.put("/var/lib/dpkg/status", `${status.join("\n\n")}\n`);
    host.put("/i.json", inventoryText(await takeInventory(host)));
    const inventory = readInventory(host, "/i.json");
    expect([inventory.glibc, inventory.packages.map(({ name }) => name)]).toEqual(["2.36-9", ["libc6", "dpkg"]]);
    const text = statusOf(inventory);
    expect(text).toContain("Depends: libgcc-s1, libcrypt1");
    expect(text).toContain("Package: dpkg\nStatus: hold ok installed");
  });

  test("a value that would begin another package or an option of apt is refused", async () => {
    const host = fakeDebian();
    const good = JSON.parse(inventoryText(await takeInventory(host)));
    const bad = [
      { ...good, foreignArchitectures: ['i386"; Dir "/'] },
      { ...good, packages: [{ name: "a\n\nPackage: b", version: "1", architecture: "all", held: false, fields: {} }] },
      {
        ...good,
        packages: [{ name: "a", version: "1", architecture: "all", held: false, fields: { Depends: "b\nStatus: x" } }],
      },
      { ...good, target: { ...good.target, codename: "../x" } },
      { ...good, more: 1 },
      [],
    ];
    for (const each of bad) {
      host.put("/i.json", JSON.stringify(each));
      expect(await problemOf(() => readInventory(host, "/i.json"))).toMatch(/^invalid-value: /);
    }
    expect(await problemOf(() => readInventory(host, "/none"))).toMatch(/^not-found: /);
  });

  test("doctor --inventory writes it", async () => {
    const host = fakeDebian();
    expect((await typed("doctor --inventory /i.json", host)).exit).toBe(0);
    expect(readInventory(host, "/i.json").target.codename).toBe("bookworm");
  });
});

describe("signing key", () => {
  const local = localHost();
  const save = (name: string, pem: string | Buffer, mode = 0o600): string => {
    writeFileSync(`${folder}/${name}`, pem);
    chmodSync(`${folder}/${name}`, mode);
    return `${folder}/${name}`;
  };

  test("keys of openssl in both formats sign what their public key verifies", async () => {
    for (const type of ["sec1", "pkcs8"] as const) {
      const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
      const sign = await signingKey(local, save(type, privateKey.export({ type, format: "pem" })));
      const pem = createPublicKey(privateKey).export({ type: "spki", format: "pem" }).toString();
      for (let i = 0; i < 50; i++)
        expect(await isSigned(Buffer.from([i]), await sign(Buffer.from([i])), pem)).toBe(true);
      expect(await isSigned(Buffer.from([1]), await sign(Buffer.from([2])), pem)).toBe(false);
    }
  });

  test("a key of another kind, with a passphrase, or readable by others is refused", async () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
    const other = generateKeyPairSync("ec", { namedCurve: "secp384r1" }).privateKey;
    const locked = privateKey.export({ type: "pkcs8", format: "pem", cipher: "aes-128-cbc", passphrase: "x" });
    expect(await signerOf(other.export({ type: "pkcs8", format: "pem" }).toString())).toBeNull();
    expect(await signerOf(other.export({ type: "sec1", format: "pem" }).toString())).toBeNull();
    expect(await problemOf(() => signingKey(local, save("locked", locked)))).toContain("without a passphrase");
    expect(await problemOf(() => signingKey(local, save("empty", "")))).toMatch(/^invalid-value: /);
    const open = save("open", privateKey.export({ type: "sec1", format: "pem" }), 0o640);
    expect(await problemOf(() => signingKey(local, open))).toContain("can be read by other users");
  });
});

describe("repository keys", () => {
  const binary = keyring({ created: 1000, lives: [0] });
  const [key] = publicKeys(binary);
  const release = (digest: number): Uint8Array => {
    const packet = signature(0, key?.id ?? "");
    packet[9] = digest;
    return Buffer.from(
      `Origin: x\n-----BEGIN PGP SIGNATURE-----\n\n${packet.toString("base64")}\n-----END PGP SIGNATURE-----\n`,
    );
  };
  const weak = Buffer.from(binary.toString("latin1").replace("\x04\x13\x01\x08", "\x04\x13\x01\x02"), "latin1");
  const source = (bytes: Uint8Array): Source => {
    const own = { bytes, path: "keys/d.asc", fingerprint: key?.fingerprint ?? "", urls: [] };
    return { name: "d", uri: "https://d", suite: "trixie", components: ["main"], keyPath: "/d.asc", key: own };
  };

  test("a key that only SHA-1 binds is weak", () => {
    expect([key?.isWeak, publicKeys(weak)[0]?.isWeak]).toEqual([false, true]);
    expect(publicKeys(weak)[0]?.fingerprint).toBe(key?.fingerprint ?? "");
  });

  test("what sqv refuses is refused for trixie and accepted for bookworm", async () => {
    const accepted = (bytes: Uint8Array, digest: number, codename = "trixie"): Promise<string> =>
      problemOf(() => demandAccepted(source(bytes), release(digest), { ...trixie, codename }));
    expect(await accepted(binary, 8)).toBe("");
    expect(await accepted(weak, 8)).toContain("bound by SHA-1 only");
    expect(await accepted(binary, 2)).toContain("signed over SHA-1 only");
    expect(await accepted(weak, 2, "bookworm")).toBe("");
  });
});

test("bundle create: a mirror of the same distribution is used, and the official servers for another one", () => {
  const host = fakeDebian();
  host.put("/usr/share/keyrings/debian-archive-keyring.gpg", "k");
  host.put(
    "/etc/apt/sources.list",
    "deb http://mirror.test/debian/ bookworm main\ndeb http://pi.test/debian bookworm main\n",
  );
  host.put("/var/lib/apt/lists/mirror.test_debian_dists_bookworm_InRelease", "Origin: Debian\n");
  host.put("/var/lib/apt/lists/pi.test_debian_dists_bookworm_InRelease", "Origin: Raspberry Pi Foundation\n");
  const facts = gatherFacts(host);
  const uris = distributionSources(host, facts, trixie).map(({ uri, suite }) => `${uri} ${suite}`);
  expect(uris).toEqual([
    "http://mirror.test/debian trixie",
    "http://mirror.test/debian trixie-updates",
    "http://deb.debian.org/debian-security trixie-security",
  ]);
  const noble = { family: "ubuntu", codename: "noble", architecture: "arm64" } as const;
  expect(() => distributionSources(host, facts, noble)).toThrow(
    "the keys of Ubuntu's repositories are not on this machine",
  );
  host.put("/usr/share/keyrings/ubuntu-archive-keyring.gpg", "k");
  const ports = distributionSources(host, facts, noble);
  expect([...new Set(ports.map(({ name, uri }) => `${name} ${uri}`))]).toEqual([
    "ubuntu http://ports.ubuntu.com/ubuntu-ports",
  ]);
});

test("bundle create: indexes, date and abilities of an InRelease are read", () => {
  const digest = "a".repeat(64);
  const text = `Date: Sun, 29 Nov 2026 00:57:37 +0000\nMD5Sum:\n ${"b".repeat(32)} 1 x\nSHA256:\n ${digest}  12 main/x\nOther: y\n`;
  const { seconds, files } = releaseOf(text);
  expect(seconds).toBe(Date.UTC(2026, 10, 29, 0, 57, 37) / 1000);
  expect([...files]).toEqual([["main/x", { sha256: digest, bytes: 12 }]]);
  expect(releaseOf("x")).toEqual({ seconds: null, files: new Map(), hasByHash: false, hasAll: true });
  for (const [fields, hasByHash, hasAll] of [
    ["Acquire-By-Hash: yes\nArchitectures: all amd64\n", true, true],
    ["Acquire-By-Hash: no\nArchitectures: amd64 arm64\n", false, false],
    ["Architectures: all amd64\nNo-Support-for-Architecture-all: Packages\n", false, false],
  ] as const) {
    expect([fields, releaseOf(fields)]).toMatchObject([fields, { hasByHash, hasAll }]);
  }
});

test("bundle create: a site's tar depends on its files alone, and unpacks to them", async () => {
  const [host, trees] = [localHost(), localTrees()];
  const write = async (name: string, order: readonly string[]): Promise<Buffer> => {
    const dir = `${folder}/${name}`;
    mkdirSync(`${dir}/a/empty`, { recursive: true });
    for (const path of order) {
      writeFileSync(`${dir}/${path}`, path);
      utimesSync(`${dir}/${path}`, 1_700_000_000, 1_700_000_000);
    }
    symlinkSync("../index.html", `${dir}/a/link`);
    const opened = trees.open(dir, [host.uid]);
    if (opened === null) throw new Error(dir);
    const site = { name: "docs", opened, includes: () => true };
    const file = `${folder}/${name}.tar`;
    // The time of a link is that of its creation here.
    const made = await writeSiteTar(host, trees, { site, file, latest: 1_700_000_000, pause: () => undefined });
    opened.close();
    expect([made.files, made.seconds]).toEqual([order.length + 1, 1_700_000_000]);
    return Buffer.from(host.read(file) ?? []);
  };
  const paths = ["index.html", "a/ü.txt", `a/${"x".repeat(150)}`];
  const [first, second] = [await write("one", paths), await write("two", paths.toReversed())];
  expect(Buffer.compare(first, second)).toBe(0);
  const out = `${folder}/out`;
  mkdirSync(out);
  expect(Bun.spawnSync(["tar", "-C", out, "-xf", `${folder}/one.tar`]).exitCode).toBe(0);
  for (const path of paths) expect(await Bun.file(`${out}/${path}`).text()).toBe(path);
});

test("bundle create: a delta holds what changed, and names the indexes that the host kept", async () => {
  const host = fakeHost();
  const index = "repo/debian/dists/bookworm/InRelease";
  const repository = {
    name: "debian",
    uri: "http://d",
    suite: "bookworm",
    components: ["main"],
    key: null,
    fingerprint: null,
    files: [index],
  };
  const entry = (path: string) => ({
    name: "p",
    version: "1",
    architecture: "all",
    path,
    installedBytes: 1,
    licence: null,
  });
  const changes = { repositories: [repository], packages: [entry("a.deb")] };
  await makeBundle(host, "/old.tar", { [index]: Buffer.from("r"), "a.deb": Buffer.from("a") }, { changes });
  const old = openBundle(host, "/old.tar");
  const next = {
    ...emptyManifest(),
    repositories: [repository],
    packages: [entry("a.deb"), entry("b.deb")],
    members: [...old.manifest.members, { path: "b.deb", size: 1, chunks: ["0".repeat(64)] }],
  };
  const delta = deltaOf(next, old, new Map([[index, digestOf("r")]]));
  expect(delta.members.map(({ path }) => path)).toEqual(["b.deb"]);
  expect(delta.packages.map(({ path }) => path)).toEqual(["b.deb"]);
  expect([delta.kept, delta.since?.id]).toEqual([[{ path: index, sha256: digestOf("r"), size: 1 }], old.id]);
  const other = { ...next, target: { ...next.target, codename: "trixie" } };
  expect(() => deltaOf(other, old, new Map())).toThrow(
    "is a bundle for bookworm amd64, and this one is for trixie amd64",
  );
});

test("bundle create: an output that cannot be written is refused before apt runs", async () => {
  const host = fakeDebian();
  host.taught.unshift((argv) => (argv[0] === "mkdir" ? ok() : undefined));
  const line = "bundle create -o /none/b.tar --suite bookworm --arch amd64 --with host --program none";
  const { exit, err } = await typed(line, host);
  expect([exit, err]).toEqual([1, expect.stringContaining("/none/b.tar")]);
  expect(host.ran.filter((each) => !each.startsWith("mkdir "))).toEqual([]);
});

test("bundle create: --with lists every role that a feature has", async () => {
  const all = Object.values(features).map((each: Feature) =>
    each.bundled?.({ family: "debian", codename: "bookworm", architecture: "amd64" }),
  );
  const names = (await Promise.all(all)).flatMap((role) => (role ? [role.name] : []));
  const described = String(create.args?.with?.description).replace(/^.*: /, "").split(", ");
  expect(described.sort()).toEqual(names.sort());
});

test("bundle create: wrong values are refused before anything is fetched", async () => {
  const refusals: Record<string, string> = {
    "--suite bookworm --arch amd64 --with host": "--output is missing",
    "-o /b.tar --arch amd64": "--suite and --arch are missing",
    "-o /b.tar --suite woody --arch amd64": "woody amd64",
    "-o /b.tar --suite bookworm --arch amd64": "would be empty",
    "-o /b.tar --suite bookworm --arch amd64 --with hots": "unknown role 'hots'",
    "-o /b.tar --suite bookworm --arch amd64 --with host --split 4000": "invalid size '4000' for --split",
    "-o /b.tar --suite bookworm --arch amd64 --with host --split 1K": "invalid size '1K'",
    "-o /b.tar -o /c.tar": "--output is given twice",
    "-x /b.tar": "unknown flag -x",
  };
  for (const [words, message] of Object.entries(refusals)) {
    const host = fakeDebian();
    const { exit, err } = await typed(`bundle create ${words} --program none`, host);
    expect([words, exit, err]).toEqual([words, 2, expect.stringContaining(message)]);
    expect([host.asked, host.ran]).toEqual([[], []]);
  }
});
