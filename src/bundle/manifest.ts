// The manifest of a bundle: its first member, and the only one that a signature covers directly. It names every other
// member with the digests of its content. Its own digest is the second member, so that damage is found in a bundle
// without a signature too.

import * as v from "valibot";
import { Problem } from "../problem/problem.ts";
import { parseJson } from "../text/json.ts";
import { mostMemberBytes, splitPath } from "./tar.ts";

/** Size of the pieces of a member that have a digest each. A piece is held in memory until it is verified. */
export const chunkBytes = 4 * 1024 * 1024;
export const manifestPath = "manifest.json";
export const digestPath = "manifest.sha256";
export const signaturePath = "manifest.sig";
/** A manifest of 10,000 packages has 5 MB. It is parsed in memory before its signature is verified. */
export const mostManifestBytes = 8 * 1024 * 1024;
/** No signature in DER on P-256 is longer. */
export const mostSignatureBytes = 72;

/** A path in the tar: relative, without empty, `.` and `..` components, and printable. */
const path = v.pipe(v.string(), v.regex(/^(?![./])(?!.*\/\.{0,2}(?:\/|$))[\w.+~%:/-]{1,255}$/, "has an invalid path"));
const digest = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, "has an invalid digest"));
const count = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(mostMemberBytes));
/** Unix seconds that a tar header can hold. */
const seconds = count;
const word = v.pipe(v.string(), v.regex(/^[\w.+~:-]{1,255}$/, "has an invalid name or version"));
const line = v.pipe(v.string(), v.regex(/^[ -~]{0,1000}$/, "has an invalid text"));
const address = v.pipe(v.string(), v.regex(/^https?:\/\/[!-~]{1,1000}$/, "has an invalid address"));

const memberSchema = v.strictObject({ path, size: count, chunks: v.array(digest) });

const manifestSchema = v.strictObject({
  format: v.literal(1, "has an unknown format: a newer edox-ops made it"),
  serial: seconds,
  target: v.strictObject({
    family: v.picklist(["debian", "ubuntu"]),
    codename: word,
    architecture: v.picklist(["amd64", "arm64"]),
  }),
  with: v.array(word),
  since: v.nullable(v.strictObject({ id: digest, serial: seconds })),
  repositories: v.array(
    v.strictObject({
      name: word,
      uri: address,
      suite: word,
      components: v.array(word),
      key: v.nullable(path),
      fingerprint: v.nullable(v.pipe(v.string(), v.regex(/^(?:[0-9A-F]{40}|[0-9A-F]{64})$/))),
      files: v.array(path),
    }),
  ),
  keys: v.array(v.strictObject({ url: address, path })),
  packages: v.array(
    v.strictObject({
      name: word,
      version: word,
      architecture: word,
      path,
      installedBytes: count,
      licence: v.nullable(line),
    }),
  ),
  images: v.array(
    v.strictObject({
      reference: v.pipe(v.string(), v.regex(/^[a-z0-9][\w./:@-]{0,254}$/, "has an invalid image name")),
      config: v.pipe(v.string(), v.regex(/^sha256:[0-9a-f]{64}$/)),
      path,
    }),
  ),
  sites: v.array(v.strictObject({ name: word, path, files: count, bytes: count })),
  program: v.nullable(v.strictObject({ version: word, path })),
  kept: v.array(v.strictObject({ path, sha256: digest, size: count })),
  members: v.array(memberSchema),
});

/** One file of a bundle. `chunks`: the SHA-256 in hex of each {@link chunkBytes} of its content. */
export type Member = v.InferOutput<typeof memberSchema>;

/**
 * What a bundle contains, and for which host. `serial`: Unix seconds of the newest input, which grows from bundle to
 * bundle. `since`: the bundle that the host must have accepted, of which only differences are in this one. `kept`: the
 * package indexes that the host kept from it. `keys`: what a request for these addresses answers.
 */
export type Manifest = v.InferOutput<typeof manifestSchema>;

/** Returns the error for a bundle that is not valid. `what` follows "the bundle". */
export function invalidBundle(what: string): Problem {
  return new Problem("invalid-bundle", `the bundle ${what}`);
}

/** Returns the bytes of a manifest. Equal manifests have equal bytes. Throws a Problem for an invalid one. */
export function manifestBytes(manifest: Manifest): Uint8Array {
  return encoded(checked(manifest));
}

function encoded(manifest: Manifest): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(manifest, null, 1)}\n`);
}

/** Returns the SHA-256 of a manifest in hex, which identifies its bundle. */
export function manifestId(bytes: Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
}

/** Returns the content of the second member, in the format of sha256sum. */
export function digestLine(bytes: Uint8Array): Uint8Array {
  return new TextEncoder().encode(`${manifestId(bytes)}  ${manifestPath}\n`);
}

/** Parses a manifest. Throws a Problem if it is invalid, or if it could be written in another way. */
export function parseManifest(bytes: Uint8Array): Manifest {
  let parsed: unknown;
  try {
    parsed = parseJson(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw invalidBundle("has a manifest that is no JSON document");
  }
  const manifest = checked(parsed);
  // Two programs could read a repeated key differently.
  if (Buffer.compare(encoded(manifest), bytes) !== 0)
    throw invalidBundle("has a manifest that is not in its canonical form");
  return manifest;
}

function checked(parsed: unknown): Manifest {
  const result = v.safeParse(manifestSchema, parsed);
  if (!result.success) {
    const [issue] = result.issues;
    const at = v.getDotPath(issue) ?? "";
    throw invalidBundle(issue.type === "regex" || issue.type === "literal" ? issue.message : `has an invalid ${at}`);
  }
  const manifest = result.output;
  const members = new Set([manifestPath, digestPath, signaturePath]);
  for (const { path, size, chunks } of manifest.members) {
    if (members.has(path)) throw invalidBundle(`names ${path} twice`);
    members.add(path);
    if (chunks.length !== Math.ceil(size / chunkBytes))
      throw invalidBundle(`has a wrong number of digests for ${path}`);
    if (splitPath(path) === null) throw invalidBundle("has an invalid path");
  }
  for (const each of manifest.members) {
    const inside = each.path.split("/").findIndex((_, i, parts) => i > 0 && members.has(parts.slice(0, i).join("/")));
    if (inside > 0) throw invalidBundle(`has ${each.path} below a file`);
  }
  for (const { name, files } of manifest.repositories) {
    // Anywhere else beside the local repository, apt would take it for a list that it has verified.
    const outside = files.find((each) => !each.startsWith(`repo/${name}/`));
    if (outside !== undefined) throw invalidBundle(`names ${outside} as an index of the repository ${name}`);
  }
  const kept = new Set(manifest.kept.map((each) => each.path));
  for (const named of pathsIn(manifest)) {
    if (!members.has(named) && !kept.has(named)) throw invalidBundle(`names ${named}, which it does not contain`);
  }
  return manifest;
}

/** Returns the paths of members that the other parts of the manifest name. */
function pathsIn({ repositories, keys, packages, images, sites, program }: Manifest): string[] {
  const each = [...keys, ...packages, ...images, ...sites, ...(program === null ? [] : [program])];
  const ofRepositories = repositories.flatMap(({ key, files }) => (key === null ? files : [...files, key]));
  return [...each.map(({ path }) => path), ...ofRepositories];
}
