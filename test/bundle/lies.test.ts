// Bundles with a valid form whose manifest does not say the truth: a run refuses them before anything changes, or what
// they say has no effect outside of the local repository.

import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Manifest } from "../../src/bundle/manifest.ts";
import { repositoryDir } from "../../src/bundle/paths.ts";
import { memberOf } from "../../src/bundle/writer.ts";
import { typed } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";
import { type FakeHost, ok } from "../fake-host.ts";
import { runs } from "../runs.ts";
import { bundleOf, emptyManifest } from "./small.ts";

const path = "/mnt/b.tar";
const names = ["nginx", "git", "curl", "rsync", "ca-certificates"];
const place = "repo/debian/dists/bookworm";
const indexes = [`${place}/InRelease`, `${place}/main/binary-amd64/Packages.xz`];
const debs = names.map((name) => `repo/debian/pool/${name}_2.0_amd64.deb`);
const others = ["keys/docker.asc", "images/dind.tar", "sites/demo.tar", "program/edox-ops-linux-x64.gz"];
const [key = "", image = "", site = "", program = ""] = others;
const contents = [...indexes, ...debs, ...others].map((each) => [each, Buffer.from(each)] as const);

const maker = fakeDebian();
const truth: Manifest = emptyManifest({
  members: await Promise.all(contents.map(([each, bytes]) => memberOf(maker, each, bytes))),
  repositories: [
    {
      ...{ name: "debian", uri: "http://deb.test/debian", suite: "bookworm", components: ["main"] },
      ...{ key: null, fingerprint: null, files: indexes },
    },
    {
      ...{ name: "docker", uri: "https://download.docker.com/linux/debian", suite: "bookworm", components: ["stable"] },
      ...{ key, fingerprint: "9DC858229FC7DD38854AE2D88D81803C0EBFCD88", files: [] },
    },
  ],
  keys: [{ url: "https://download.docker.com/linux/debian/gpg", path: key }],
  packages: names.map((name, i) => {
    const member = debs[i] ?? "";
    return { name, version: "2.0", architecture: "amd64", path: member, installedBytes: 1, licence: "MIT" };
  }),
  images: [{ reference: "docker:dind", config: `sha256:${"a".repeat(64)}`, path: image }],
  sites: [{ name: "demo", path: site, files: 1, bytes: 1 }],
  program: { version: "1.2.3", path: program },
});

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

const paths = [
  ...["apt.conf", "bundle.sources", "preferences", "lists/InRelease", "lists/partial/x", "lists/auxfiles/x"],
  ...["../x", "/etc/passwd", "repo/debian", "repo/../lists/x", "repo/debian/../../lists/x", "repo/docker/x"],
];

const falsehood: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json[]>(
    ...["", ".", "..", "~", "*", "-o", "--allow-downgrades", "a\nb", "a..", "%2e%2e/x", "\u0000", "trusted=yes"],
    ...["manifest.json", ...paths, ...indexes, ...debs],
    ...["nginx:i386", "nginx\nPin-Priority: 1001", "main\nTrusted: yes", "bookworm ]", "http://a.test/\nTypes: deb"],
    ...["0".repeat(64), "a".repeat(300), "docker", "debian", null, true, -1, 1.5, 2 ** 53, [], {}],
  ),
  fc.string({ maxLength: 40 }),
  fc.nat(),
);

interface Lie {
  /** Which value, or which file. */
  at: number;
  way: "replace" | "remove" | "repeat" | "rename";
  value: Json;
}

/** Returns a copy of a manifest with the lie. Another name of a file is in all places. */
function withLie(manifest: Json, { at, way, value }: Lie): Json {
  const file = contents[at % contents.length]?.[0];
  const copy = JSON.parse(JSON.stringify(manifest), (_, each) => (way === "rename" && each === file ? value : each));
  const slots: { holder: Record<string, Json>; name: string }[] = [];
  const visit = (holder: Record<string, Json>): void => {
    if (holder === null || typeof holder !== "object") return;
    for (const [name, each] of Object.entries(holder)) {
      slots.push({ holder, name });
      visit(each as Record<string, Json>);
    }
  };
  visit(copy);
  const { holder, name } = slots[at % slots.length] ?? { holder: {}, name: "" };
  if (way === "replace") holder[name] = value;
  else if (way === "remove") delete holder[name];
  else if (way === "repeat" && Array.isArray(holder)) holder.push(holder[name] ?? null);
  // A removed element leaves a hole, which JSON does not have.
  if (way === "remove" && Array.isArray(holder)) holder.splice(Number(name), 1);
  return copy;
}

interface Observed {
  exit: number;
  /** The paths that were written. */
  written: Set<string>;
  /** The lines of the sources and of the preferences of apt. */
  lines: Set<string>;
}

async function observe(manifest: Json): Promise<Observed> {
  const host: FakeHost = fakeDebian();
  host.dir("/mnt");
  const members = (manifest as { members?: { path?: string }[] }).members ?? [];
  const packed = contents.map(([each, bytes], i) => [members[i]?.path ?? each, bytes] as const);
  try {
    host.put(
      path,
      bundleOf(
        manifest,
        packed.map(([each, bytes]) => [String(each), bytes]),
      ),
    );
  } catch {
    host.put(path, bundleOf(manifest));
  }
  const written = new Set<string>();
  const lines = new Set<string>();
  const { writeFile } = host;
  host.writeFile = (each, bytes, attributes) => {
    written.add(each);
    if (/\/(?:bundle\.sources|preferences)$/.test(each)) {
      for (const line of Buffer.from(bytes).toString().split("\n")) lines.add(line);
    }
    return writeFile(each, bytes, attributes);
  };
  host.taught.unshift((argv) => {
    if (!argv.includes("--print-uris")) return undefined;
    return ok(debs.map((each) => `'file:${repositoryDir}/${each}' x 1 \n`).join(""));
  });
  const { exit } = await typed(`bootstrap --bundle ${path} --yes`, host);
  return { exit, written, lines };
}

const allowedLine =
  /^(?:|Types: deb|URIs: file:\/var\/lib\/edox-ops\/bundle\/repo\/[\w.+~:-]+|Suites: [\w.+~:-]+|Components: [\w.+~: -]*|Architectures: amd64|Targets: Packages|Check-Valid-Until: no|Signed-By: \/usr\/share\/keyrings\/debian-archive-keyring\.gpg|Package: (?:\*|[\w.+~:-]+)|Pin: (?:release \*|version [\w.+~:-]+)|Pin-Priority: (?:500|-1))$/;

test("bundle: a manifest that lies is refused, or has no effect outside of the local repository", async () => {
  const honest = await observe(truth as Json);
  expect(honest.exit).toBe(0);
  const outside = (paths: Iterable<string>): string[] =>
    [...paths].filter((each) => !each.startsWith(`${repositoryDir}/`) && !each.startsWith(`${repositoryDir}-indexes/`));
  const usual = new Set(outside(honest.written));
  const lie: fc.Arbitrary<Lie> = fc.oneof(
    fc.record({ at: fc.nat(), way: fc.constantFrom("replace", "remove", "repeat"), value: falsehood }),
    fc.record({ at: fc.nat(), way: fc.constant("rename"), value: fc.constantFrom(...paths) }),
  );
  const several = fc.array(lie, { minLength: 1, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(several, async (lies) => {
      const manifest = lies.reduce(withLie, truth as Json);
      const { written, lines } = await observe(manifest);
      expect(outside(written).filter((each) => !usual.has(each))).toEqual([]);
      for (const each of written) {
        if (!each.startsWith(`${repositoryDir}/`)) continue;
        expect(each).toMatch(/^\/var\/lib\/edox-ops\/bundle\/(?:apt\.conf|bundle\.sources|preferences|repo\/.+)$/);
      }
      for (const line of lines) expect(line).toMatch(allowedLine);
    }),
    { numRuns: runs(100, 5000) },
  );
});
