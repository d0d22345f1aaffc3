// Self-update: downloads another release, verifies and tests it, and only then replaces this program.

import { runOrThrow } from "../engine/apply.ts";
import { gatherFacts } from "../engine/facts.ts";
import { printableAddress } from "../engine/fetch.ts";
import type { Host, HostReader } from "../host/host.ts";
import type { Trees } from "../host/trees.ts";
import { withDiskFault } from "../problem/disk-fault.ts";
import { Problem } from "../problem/problem.ts";
import { demandRootsAlone } from "../problem/roots-alone.ts";
import { type Stop, throwIfInterrupted } from "../problem/wait.ts";
import { linesOf } from "../text/lines.ts";
import { unpackBundled } from "./bundled.ts";
import { beside, demandExists, demandUnpackaged, folderOf } from "./program.ts";
import { fetchPublished, isOlder, isVersion, type PublishedVersion, type ReleaseSource } from "./published.ts";

export interface UpdateRequest {
  /** The absolute path of this program, without symbolic links. */
  program: string;
  version: string;
  releaseSource: ReleaseSource;
  /** The requested version; null means the latest. */
  requestedVersion: string | null;
}

/** The release that is available for this program. */
export interface Offer {
  release: PublishedVersion;
  /** Whether it is byte for byte identical to this program. */
  same: boolean;
  /** The asset to download or to take from a bundle, and the binary that it contains. */
  asset: string;
  binary: string;
  /** The Debian package of the release. */
  deb: string;
}

export interface Updated {
  from: string;
  to: string;
  /** The path of the replaced version; null if the file system does not support hard links for it. */
  previous: string | null;
}

/** Returns the release asset that a bundle contains. */
const packed = (binary: string): string => `${binary}.gz`;
const binaries: Record<string, string> = { amd64: "edox-ops-linux-x64", arm64: "edox-ops-linux-arm64" };
/** A package of 40 MB, plus its unpacked content of 115 MB. */
const neededBytes = 180e6;
const mostBytes = 256e6;
/** Timeout for unpacking and for the first start. Unpacking takes a minute on the smallest hosts with a slow card. */
const childLimitMs = 600_000;

/**
 * Returns the available release and changes nothing. Throws a Problem if the latest release appears to be older than
 * this one.
 */
export async function findOffer(
  reader: HostReader,
  { program, version, releaseSource, requestedVersion }: UpdateRequest,
): Promise<Offer> {
  demandExists(reader, program);
  const { architecture } = gatherFacts(reader);
  const binary = binaries[architecture];
  if (binary === undefined)
    throw new Problem("unsupported-platform", `there is no edox-ops for ${architecture || "a host without dpkg"}`);
  const release = await fetchPublished(reader, releaseSource, requestedVersion);
  const { bundle } = releaseSource;
  const deb = `edox-ops_${release.version}_${architecture}.deb`;
  const asset = bundle ? packed(binary) : deb;
  const missing = [binary, asset].find((each) => release.sumOf(each) === undefined);
  if (missing !== undefined) {
    const message = `edox-ops ${release.version} was not released for ${architecture}: it has no checksum for ${missing}`;
    throw new Problem("unsupported-platform", message);
  }
  // A downgrade must be explicit: the server may offer an old release as the latest.
  if (requestedVersion === null && isOlder(release.version, version)) {
    const from = bundle ? ["--bundle", bundle.path] : [];
    const hint = ["sudo", "edox-ops", "self-update", ...from, "--version", release.version];
    const message = bundle
      ? `${bundle.path} contains edox-ops ${release.version}, which is older than this one (${version})`
      : `the latest release is ${release.version}, which is older than the installed ${version}`;
    throw new Problem("precondition-failed", message, { hint });
  }
  return { release, asset, binary, deb, same: release.sumOf(binary) === checksumOf(reader, program) };
}

/**
 * Replaces the program by the offered release. The caller holds the lock and made the offer under it. Running processes
 * continue with the old program. Throws a Problem if it fails, with the program unchanged.
 */
export async function update(
  host: Host,
  trees: Trees,
  {
    request: { program, version, releaseSource },
    offer: { release, asset, binary, deb },
    stop,
    onBytes,
  }: { request: UpdateRequest; offer: Offer; stop: Stop; onBytes: (bytes: number, total: number) => void },
): Promise<Updated> {
  const { previous, work } = beside(program);
  const address = printableAddress(release.addressOf(asset));
  demandUnpackaged(host, program, aptLine(deb), releaseSource.bundle ? "" : `: fetch ${address}`);
  demandRootsAlone(host, program);
  if (host.stat(previous)?.type === "directory") {
    const hint = ["sudo", "mv", previous, `${previous}.old`];
    throw new Problem("conflict", `${previous} is a directory: this version is to be kept there`, { hint });
  }
  demandRoom(host, folderOf(program));
  return replaceProgram(host, trees, program, async () => {
    const { bundle } = releaseSource;
    const fresh = bundle ? `${work}/edox-ops` : `${work}/unpacked/usr/bin/edox-ops`;
    if (bundle) await unpackBundled(host, { bundle, asset, expected: release.sumOf(asset), fresh, mostBytes, stop });
    else await download(`${work}/unpacked`);
    demandSum(host, fresh, release, binary);
    const reported = await versionOf(host, fresh, `edox-ops ${release.version}`);
    if (reported !== release.version) {
      throw new Problem(
        "verify-failed",
        `the download of edox-ops ${release.version} reports version ${reported.slice(0, 80)}`,
      );
    }
    throwIfInterrupted(stop);
    return { fresh, from: version, to: release.version };
  });

  async function download(unpacked: string): Promise<void> {
    const fetched = `${work}/${asset}`;
    const why = await host.download(release.addressOf(asset), fetched, { mostBytes, onBytes });
    throwIfInterrupted(stop);
    if (why !== null)
      throw new Problem(
        /^\d{3}\b/.test(why) ? "unexpected-response" : "unreachable",
        `${address} cannot be fetched: ${why}`,
      );
    demandSum(host, fetched, release, asset);
    await runOrThrow(host, ["dpkg-deb", "--extract", fetched, unpacked]);
  }
}

/**
 * Returns the version that a rollback would restore, and changes nothing. Throws a Problem if no rollback is possible.
 */
export async function previousVersion(host: Host, { program }: UpdateRequest): Promise<string> {
  const { previous } = beside(program);
  demandExists(host, program);
  demandUnpackaged(host, program, aptLine("edox-ops_X.Y.Z_ARCHITECTURE.deb"));
  demandRootsAlone(host, program);
  const hint = ["sudo", "edox-ops", "self-update", "--version", "X.Y.Z"];
  const found = host.stat(previous);
  if (found === null)
    throw new Problem("not-found", `${previous} does not exist: no previous version is kept`, { hint });
  if (found.type !== "file") {
    throw new Problem("conflict", `${previous} is not a regular file: it is not the previous version of edox-ops`, {
      hint,
    });
  }
  demandRootsAlone(host, previous);
  const to = await versionOf(host, previous, previous, hint);
  if (!isVersion(to)) {
    const message = `${previous} is not the previous version of edox-ops: it reports version '${(linesOf(to)[0] ?? "").slice(0, 80)}'`;
    throw new Problem("conflict", message, { hint });
  }
  return to;
}

/** Swaps this version and the previous one. The caller holds the lock. Throws the Problem of `stop` before it begins. */
export async function rollBack(
  host: Host,
  trees: Trees,
  request: UpdateRequest,
  stop: Stop = () => null,
): Promise<Updated> {
  const { program, version } = request;
  const { previous, work } = beside(program);
  const to = await previousVersion(host, request);
  throwIfInterrupted(stop);
  return replaceProgram(host, trees, program, async () => {
    const fresh = `${work}/edox-ops`;
    if (!trees.share(previous, fresh)) throw new Error(`${previous} cannot have a second name`);
    return { fresh, from: version, to };
  });
}

/** Returns the command that installs a Debian package from the current folder. */
export function aptLine(asset: string): string[] {
  return ["sudo", "apt-get", "install", `./${asset}`];
}

/**
 * Replaces the program. `prepare` creates the new file in the work folder. A program exists at its path at every
 * moment.
 */
async function replaceProgram(
  host: Host,
  trees: Trees,
  program: string,
  prepare: () => Promise<{ fresh: string; from: string; to: string }>,
): Promise<Updated> {
  const { previous, work } = beside(program);
  try {
    // Removes files that a killed run left behind.
    trees.remove(work);
    const { uid = 0, gid = 0 } = host.stat(program) ?? {};
    host.makeDirectory(work, { mode: 0o700, uid, gid });
    const { fresh, from, to } = await prepare();
    trees.setAttributes(fresh, { mode: 0o755, uid, gid, modifiedSeconds: Math.floor(host.now() / 1000) });
    trees.sync(fresh);
    const kept = trees.share(program, `${work}/before`);
    // Keeping this version for a rollback comes first, because it cannot do harm.
    if (kept) trees.move(`${work}/before`, previous);
    trees.move(fresh, program);
    return { from, to, previous: kept ? previous : null };
  } catch (error) {
    throw withDiskFault(host, Problem.of(error));
  } finally {
    try {
      trees.remove(work);
    } catch {
      // The next run removes the folder. This run reports why it failed.
    }
  }
}

function demandRoom(reader: HostReader, folder: string): void {
  const free = reader.space(folder)?.bytesFree ?? neededBytes;
  if (free >= neededBytes) return;
  const [has, needs] = [free, neededBytes].map((bytes) => Math.floor(bytes / 1e6));
  throw new Problem("no-space", `${folder} has ${has} MB free, ${needs} MB are needed`, { hint: ["df", "-h", folder] });
}

function demandSum(reader: HostReader, path: string, release: PublishedVersion, asset: string): void {
  const [requestedVersion, found] = [release.sumOf(asset), checksumOf(reader, path)];
  if (found === requestedVersion) return;
  const page = /<(!doctype|html)/i.test(Buffer.from(reader.map(path)?.subarray(0, 512) ?? []).toString("latin1"));
  const message = page
    ? `${printableAddress(release.addressOf(asset))} answers with a web page: a proxy or a login stands in between`
    : `${asset} does not have the checksum of edox-ops ${release.version}: expected ${requestedVersion}, got ${found}`;
  throw new Problem(page ? "unexpected-response" : "checksum-mismatch", message);
}

/** Returns the SHA-256 checksum of a file in hexadecimal digits. That of a missing file is the one of no bytes. */
export function checksumOf(reader: HostReader, path: string): string {
  return new Bun.CryptoHasher("sha256").update(reader.map(path) ?? new Uint8Array()).digest("hex");
}

/**
 * Runs the program and returns the version that it prints. Throws a Problem with the reason if it does not start on
 * this host.
 */
async function versionOf(host: Host, program: string, name: string, hint?: string[]): Promise<string> {
  const { code, stdout, stderr } = await host.run([program, "--version"], { limitMs: childLimitMs });
  if (code === 0) return stdout.trim();
  const message = `${name} does not start on this host: ${whyNotStarted(code, stderr)}`;
  throw new Problem("command-failed", message, { returncode: code, hint });
}

/**
 * Returns the reason for a failed start, by the signal that killed the program. The crash report of the runtime names
 * neither the CPU nor the memory limit.
 */
function whyNotStarted(code: number, stderr: string): string {
  if (code === 132) return "this CPU lacks an instruction that it needs";
  if (code === 134 || code === 139) return "it aborts, as it does under a limit on memory (ulimit -v, LimitAS=)";
  return `${linesOf(stderr).at(-1) ?? "without a word"} (code ${code})`;
}
