// A release as its server publishes it, or as a bundle contains it. It is trusted because of its signature, not because
// of its location.

import type { Bundle } from "../bundle/reader.ts";
import { hintToShowBundle } from "../bundle/show-hint.ts";
import { fetchSmall, printableAddress } from "../engine/fetch.ts";
import type { HostReader } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import { isSigned, keyBlocks } from "../signature/ecdsa.ts";

/** The checksums of a release, signed with one of our keys. */
export interface PublishedVersion {
  version: string;
  /** Returns the SHA-256 checksum of an asset in hex, or undefined if the release has no asset of that name. */
  sumOf(asset: string): string | undefined;
  /** Returns the URL of an asset, or its place in a bundle. A URL contains the password of a mirror if there is one. */
  addressOf(asset: string): string;
  /** SHA256SUMS and its signature, as they were published. */
  sums: Uint8Array;
  signature: Uint8Array;
}

/** The location of releases, and the keys that they are verified with. */
export interface ReleaseSource {
  /**
   * Has no trailing slash. The assets of version 1.2.3 are in v1.2.3/downloads below it, those of the latest release in
   * permalink/latest/downloads, as on GitLab. If it contains `{version}`, it is the URL of that version's folder.
   */
  base: string;
  /** Contains the release. Without it, the server of `base` does. */
  bundle?: BundledRelease;
  /** Public P-256 keys in PEM. */
  keys: string;
}

/** A bundle with the files of a release. */
export type BundledRelease = Pick<Bundle, "path" | "manifest" | "bytes" | "chunks">;

const placeholder = "{version}";
/** Versions are compared by number and not as text: 1.10.0 comes after 1.9.0. */
const versionForm = /^(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})$/;

/** Returns whether a text is a version of the form X.Y.Z, without leading zeros. */
export function isVersion(text: string): boolean {
  return versionForm.test(text);
}

/** Returns whether the first version is older than the second one. */
export function isOlder(version: string, than: string): boolean {
  const [left, right] = [version, than].map((each) => each.split(".").map(Number));
  const differing = left?.findIndex((number, i) => number !== right?.[i]) ?? -1;
  return differing >= 0 && (left?.[differing] ?? 0) < (right?.[differing] ?? 0);
}

/** Returns the path of an asset in a bundle. */
export function bundledPath(asset: string): string {
  return `program/${asset}`;
}

/** Throws a Problem if the bundle does not contain this asset. */
export function demandBundled({ path, manifest }: BundledRelease, asset: string): void {
  if (manifest.members.some((member) => member.path === bundledPath(asset))) return;
  throw new Problem("not-found", `${path} does not contain ${asset} of edox-ops`, { hint: hintToShowBundle(path) });
}

/**
 * Fetches and verifies the checksums of a release. `requested`: a version, or null for the latest. Throws a Problem if
 * it is not found, has no valid signature, or is another version.
 */
export async function fetchPublished(
  reader: HostReader,
  { base, bundle, keys }: ReleaseSource,
  requested: string | null,
): Promise<PublishedVersion> {
  if (bundle === undefined && requested === null && base.includes(placeholder)) {
    throw new Problem(
      "missing-value",
      `${printableAddress(base)} does not report the latest release: pass --version X.Y.Z`,
    );
  }
  if (keyBlocks(keys).length === 0) {
    throw new Problem(
      "invalid-signature",
      "this edox-ops was built without a release key, so downloads cannot be verified",
    );
  }
  const at = (version: string | null, asset: string): string => {
    if (bundle !== undefined) return `${bundledPath(asset)} in ${bundle.path}`;
    if (base.includes(placeholder)) return `${base.replace(placeholder, version ?? "")}/${asset}`;
    return `${base}/${version === null ? "permalink/latest" : `v${version}`}/downloads/${asset}`;
  };
  const sumsAt = at(requested, "SHA256SUMS");
  const bytesOf = async (asset: string): Promise<Uint8Array> => {
    if (bundle === undefined) return bytesAt(reader, at(requested, asset));
    demandBundled(bundle, asset);
    return bundle.bytes(bundledPath(asset));
  };
  const readSigned = async (): Promise<Pick<PublishedVersion, "sums" | "signature"> | null> => {
    const [sums, signature] = await Promise.all([bytesOf("SHA256SUMS"), bytesOf("SHA256SUMS.sig")]);
    return (await isSigned(sums, signature, keys)) ? { sums, signature } : null;
  };
  // The latest release may have changed between the two requests.
  const signed = (await readSigned()) ?? (requested === null ? await readSigned() : null);
  if (signed === null) {
    const why = "it is no release of edox-ops, or its key was replaced since this one was built";
    throw new Problem("invalid-signature", `the signature of ${printableAddress(sumsAt)} is wrong: ${why}`);
  }
  const { version, sumOf } = checksumsIn(signed.sums);
  // The signature alone would let an old release be served under a new number.
  if (!isVersion(version) || (requested !== null && version !== requested)) {
    const what = isVersion(version) ? `edox-ops ${version}` : "no version of edox-ops";
    throw new Problem(
      "invalid-signature",
      `what is signed at ${printableAddress(sumsAt)} is ${what}, not ${requested ?? "a release"}`,
    );
  }
  return { version, sumOf, addressOf: (asset) => at(version, asset), ...signed };
}

/** Parses a SHA256SUMS. The version is that of its Debian packages, or "" if it names none. */
export function checksumsIn(sums: Uint8Array): Pick<PublishedVersion, "version" | "sumOf"> {
  const lines = Buffer.from(sums)
    .toString()
    .matchAll(/^([0-9a-f]{64}) {2}([\w.+-]+)$/gm);
  const sumOf = new Map([...lines].map(([, sum = "", asset = ""]) => [asset, sum]));
  const version = /^edox-ops_(.+)_(?:amd64|arm64)\.deb$/m.exec([...sumOf.keys()].join("\n"))?.[1] ?? "";
  return { version, sumOf: (asset) => sumOf.get(asset) };
}

async function bytesAt(reader: HostReader, url: string): Promise<Uint8Array> {
  const { status, reason, headers, body } = await fetchSmall(reader, url);
  if (status === 200) return body;
  const leads = status >= 300 && status < 400 ? `, it leads to ${headers.location}` : "";
  throw new Problem(
    status === 0 ? "unreachable" : "unexpected-response",
    `${printableAddress(url)} cannot be fetched: ${reason || status}${leads}`,
  );
}
