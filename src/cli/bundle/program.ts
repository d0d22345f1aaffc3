// The program that a bundle carries: the assets of a release, which are verified as an update verifies them.

import { makeDirectories } from "../../bundle/create/apt-root.ts";
import type { ProgramFiles } from "../../bundle/create/create.ts";
import type { Content } from "../../bundle/writer.ts";
import { printableAddress } from "../../engine/fetch.ts";
import type { Host } from "../../host/host.ts";
import { digestOf } from "../../host/large-file.ts";
import { Problem } from "../../problem/problem.ts";
import { checksumsIn, fetchPublished, isVersion } from "../../self-update/published.ts";
import { isSigned } from "../../signature/ecdsa.ts";
import { usage } from "../arguments.ts";
import type { Context } from "../context.ts";
import { releasesUrl } from "../releases-url.ts";

const mostBytes = 256e6;
const mostSumsBytes = 64 * 1024;
const assets = { amd64: "edox-ops-linux-x64.gz", arm64: "edox-ops-linux-arm64.gz" };

const networkFaults: readonly string[] = ["unreachable", "unexpected-response"];

interface ProgramRequest {
  /** The value of --program: "none", a directory, or undefined for the published release of this version. */
  typed: string | undefined;
  architecture: "amd64" | "arm64";
  cacheDir: string;
}

/** Returns the files of the program, or null for none. Throws a Problem if they are not signed by a release key. */
export async function programFiles(
  host: Host,
  { variable, typed: words }: Pick<Context, "variable" | "typed">,
  { typed, architecture, cacheDir }: ProgramRequest,
): Promise<ProgramFiles | null> {
  const asset = assets[architecture];
  if (typed === "none") return null;
  if (typed !== undefined) return fromDirectory(host, typed.replace(/\/+$/, "") || "/", asset);
  const base = releasesUrl({ variable }, (url) => {
    return usage(
      `EDOX_BASE_URL '${printableAddress(url)}' is not a URL: set it, or give --program DIR or --program none`,
    );
  });
  const file = await published(host, base, asset, cacheDir).catch((error: unknown) => {
    const problem = Problem.of(error);
    if (!networkFaults.includes(problem.code)) throw problem;
    const message = `${problem.message} (--program takes edox-ops from a directory, or leaves it out)`;
    throw problem.with({ message, hint: ["edox-ops", ...words, "--program", "none"] });
  });
  return checked(host, file);
}

/** Fetches the published release of this version, unless the cache has it. */
async function published(host: Host, base: string, asset: string, cacheDir: string): Promise<Assets> {
  const source = { base, keys: EDOX_OPS_RELEASE_KEYS };
  const release = await fetchPublished(host, source, EDOX_OPS_VERSION);
  const dir = `${cacheDir}/program/${release.version}`;
  await makeDirectories(host, dir);
  const file = `${dir}/${asset}`;
  if (host.stat(file) === null || digestOf(host, file) !== release.sumOf(asset)) {
    if (host.stat(file) !== null) host.remove(file);
    const address = release.addressOf(asset);
    const why = await host.download(address, file, { mostBytes });
    if (why !== null) throw new Problem("unreachable", `${printableAddress(address)} cannot be fetched: ${why}`);
  }
  return { file, asset, sums: release.sums, signature: release.signature };
}

async function fromDirectory(host: Host, dir: string, asset: string): Promise<ProgramFiles> {
  const read = (name: string): Uint8Array => {
    const bytes = host.statTarget(`${dir}/${name}`) === null ? null : host.head(`${dir}/${name}`, mostSumsBytes);
    if (bytes !== null) return bytes;
    const message = `no ${name} in ${dir}: --program takes a directory with the assets of a release`;
    throw new Problem("not-found", message);
  };
  const [sums, signature] = [read("SHA256SUMS"), read("SHA256SUMS.sig")];
  if (!(await isSigned(sums, signature, EDOX_OPS_RELEASE_KEYS))) {
    const message = `${dir}/SHA256SUMS is not signed by a key of edox-ops releases`;
    throw new Problem("invalid-signature", message);
  }
  if (host.statTarget(`${dir}/${asset}`) === null) read(asset);
  return checked(host, { file: `${dir}/${asset}`, asset, sums, signature });
}

interface Assets {
  file: string;
  asset: string;
  sums: Uint8Array;
  signature: Uint8Array;
}

function checked(host: Host, { file, asset, sums, signature }: Assets): ProgramFiles {
  const { version, sumOf: published } = checksumsIn(sums);
  if (!isVersion(version) || digestOf(host, file) !== published(asset)) {
    throw new Problem("checksum-mismatch", `${file} does not have the signed checksum of a release`);
  }
  const path = `program/${asset}`;
  const contents = new Map<string, Content>([
    [path, file],
    ["program/SHA256SUMS", sums],
    ["program/SHA256SUMS.sig", signature],
  ]);
  return { version, path, contents };
}
