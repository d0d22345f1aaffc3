// The indexes of a bundle, from repositories that offer them in different forms. apt and its downloads are replaced.

import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { gzipSync } from "node:zlib";
import { type AptRoot, writeText } from "../../src/bundle/create/apt-root.ts";
import { fetchIndexes } from "../../src/bundle/create/indexes.ts";
import { localHost } from "../../src/host/local.ts";
import { localTrees } from "../../src/host/local-trees.ts";

const folder = mkdtempSync(`${tmpdir()}/edox-indexes-`);
afterAll(() => rmSync(folder, { recursive: true }));

const source = { name: "d", uri: "http://d.test", suite: "s", components: ["main"], keyPath: "/k", key: null };
const base = `${source.uri}/dists/s/`;
const text = "Package: x\n";
const forms = {
  ".xz": Bun.spawnSync(["xz", "--stdout"], { stdin: Buffer.from(text) }).stdout,
  ".gz": gzipSync(text),
  "": Buffer.from(text),
};
const digestOf = (bytes: Uint8Array): string => new Bun.CryptoHasher("sha256").update(bytes).digest("hex");

interface Offered {
  /** Fields of the InRelease. */
  fields?: string;
  extensions: readonly (keyof typeof forms)[];
  architectures?: readonly string[];
}

/** Returns an apt whose repository has these indexes. `fetched`: the addresses that were downloaded. */
function aptOf(name: string, { fields = "", extensions, architectures = ["amd64"] }: Offered) {
  const dir = `${folder}/${name}`;
  const dirs = { lists: `${dir}/lists`, plain: `${dir}/plain`, partial: `${dir}/partial` };
  for (const each of Object.values(dirs)) mkdirSync(each, { recursive: true });
  const keys = architectures.map((each) => `main/binary-${each}/Packages`);
  const entries = keys.flatMap((key) =>
    extensions.map((each) => ` ${digestOf(forms[each])} ${forms[each].length} ${key}${each}\n`),
  );
  const fetched: string[] = [];
  const plainOf = (key: string): string => `${dirs.plain}/d.test_dists_s_${key.replaceAll("/", "_")}`;
  const apt: AptRoot = {
    ...dirs,
    archives: "/none",
    empty: "/none",
    async run(argv) {
      if (argv.includes("update")) {
        writeFileSync(`${dirs.lists}/d.test_dists_s_InRelease`, `${fields}SHA256:\n${entries.join("")}`);
      }
      for (let at = argv.indexOf("download-file") + 1; at > 0 && at < argv.length; at += 4) {
        const [uri = "", path = "", checksum = "", size = ""] = argv.slice(at);
        fetched.push(uri.slice(base.length));
        const found = Object.values(forms).find((bytes) => checksum === `SHA256:${digestOf(bytes)}`);
        expect(size).toBe(`Checksum-FileSize:${found?.length}`);
        writeFileSync(path, found ?? "");
      }
      return argv.includes("indextargets") ? keys.map((key) => `${base}|${key}|main|${plainOf(key)}`).join("\n") : "";
    },
  };
  const fetchAll = async (): Promise<string[]> => {
    const [repository] = await fetchIndexes(localHost(), localTrees(), apt, [source]);
    return [...(repository?.files.keys() ?? [])];
  };
  return { fetched, plainOf, fetchAll };
}

const index = "main/binary-amd64/Packages";
const member = (name: string): string => `repo/d/dists/s/${name}`;

test("bundle create: of the forms of an index, the smallest is fetched and carried, and apt reads it unpacked", async () => {
  for (const [extensions, expected] of [
    [["", ".gz", ".xz"], ".xz"],
    [["", ".gz"], ".gz"],
    [[""], ""],
  ] as const) {
    const { fetched, plainOf, fetchAll } = aptOf(`form${expected}`, { extensions });
    expect(await fetchAll()).toEqual([member("InRelease"), member(`${index}${expected}`)]);
    expect(fetched).toEqual([`${index}${expected}`]);
    expect(readFileSync(plainOf(index), "utf8")).toBe(text);
    expect(await fetchAll()).toHaveLength(2);
    expect(fetched).toHaveLength(1);
  }
});

test("bundle create: a file that apt compares its caches with keeps its age if its content stays", () => {
  const path = `${folder}/sources.list`;
  const inodeAfter = (content: string): unknown => {
    writeText(localHost(), path, content, 0o644);
    return statSync(path).ino;
  };
  const before = inodeAfter("one");
  expect(inodeAfter("one")).toBe(before);
  expect(inodeAfter("two")).not.toBe(before);
  expect(readFileSync(path, "utf8")).toBe("two");
});

test("bundle create: an index is fetched by its digest where the repository has it", async () => {
  const { fetched, fetchAll } = aptOf("by-hash", { fields: "Acquire-By-Hash: yes\n", extensions: [".xz"] });
  await fetchAll();
  expect(fetched).toEqual([`main/binary-amd64/by-hash/SHA256/${digestOf(forms[".xz"])}`]);
});

test("bundle create: packages of all architectures have an index of their own only where apt reads it", async () => {
  const offered = { extensions: [".gz"], architectures: ["amd64", "all"] } as const;
  const all = member("main/binary-all/Packages.gz");
  expect(await aptOf("all", { ...offered, fields: "Architectures: all amd64\n" }).fetchAll()).toContain(all);
  const fields = "Architectures: all amd64\nNo-Support-for-Architecture-all: Packages\n";
  expect(await aptOf("not-all", { ...offered, fields }).fetchAll()).not.toContain(all);
});

test("bundle create: a repository that has no index for the architecture is named", async () => {
  const { fetchAll } = aptOf("none", { extensions: [] });
  await expect(fetchAll()).rejects.toThrow("http://d.test has no signed list of packages for s");
});

test("bundle create: a list of a repository that is no longer used is removed, so that apt does not read it", async () => {
  const { plainOf, fetchAll } = aptOf("unused", { extensions: [".gz"] });
  const unused = plainOf("contrib/binary-amd64/Packages");
  writeFileSync(unused, text);
  await fetchAll();
  expect(localHost().stat(unused)).toBeNull();
});
