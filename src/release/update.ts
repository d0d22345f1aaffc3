// This program in place of itself: another release is fetched, verified and tried, and only then is what the name leads to.

import { withDiskFault } from "../engine/disk-fault.ts";
import { gatherFacts } from "../engine/facts.ts";
import { Problem } from "../engine/step.ts";
import { heed, type Stop } from "../engine/wait.ts";
import type { Host, HostReader } from "../host/host.ts";
import type { Trees } from "../host/trees.ts";
import { beside, demandUnpackaged, folderOf } from "./program.ts";
import { isOlder, type Published, published, type Shelf } from "./published.ts";

export interface Order {
  /** The path of this program, in which there is no link, from the root on. */
  program: string;
  version: string;
  shelf: Shelf;
  /** A version that was typed; null: the latest. */
  wanted: string | null;
}

/** What there is for this program. */
export interface Offer {
  release: Published;
  /** Whether it is this program, to the byte. */
  same: boolean;
  /** The asset that brings it, and what it unpacks to. */
  asset: string;
  binary: string;
}

export interface Updated {
  from: string;
  to: string;
  /** What was replaced; null where the file system cannot keep it at once. */
  previous: string | null;
}

const binaries: Record<string, string> = { amd64: "edox-ops-linux-x64", arm64: "edox-ops-linux-arm64" };
/** A package of 40 MB, and all that it unpacks to: 115 MB. */
const neededBytes = 180e6;
const mostBytes = 256e6;
/** Of unpacking, which takes a minute on the smallest hosts and a slow card, and of the first start. */
const childLimitMs = 600_000;

/** Changes nothing. Throws a Problem where the latest release is said to be older than this one. */
export async function offered(see: HostReader, { program, version, shelf, wanted }: Order): Promise<Offer> {
  const { architecture } = gatherFacts(see);
  const binary = binaries[architecture];
  if (binary === undefined)
    throw new Problem("blocked", `there is no edox-ops for ${architecture || "a host without dpkg"}`);
  const release = await published(see, shelf, wanted);
  const sum = release.sumOf(binary);
  if (sum === undefined) throw new Problem("blocked", `edox-ops ${release.version} has no checksum for ${binary}`);
  // Nobody goes back without knowing: an old release may be served as the latest.
  if (wanted === null && isOlder(release.version, version)) {
    const hint = ["sudo", "edox-ops", "self-update", "--version", release.version];
    const message = `the latest release is said to be ${release.version}, and this is ${version}, which is newer`;
    throw new Problem("blocked", message, { hint });
  }
  const asset = `edox-ops_${release.version}_${architecture}.deb`;
  return { release, asset, binary, same: sum === digest(see, program) };
}

/** Whoever runs this program meanwhile goes on with the old one. Throws a Problem with everything as it was. */
export async function update(
  order: Order,
  { release, asset, binary }: Offer,
  host: Host,
  trees: Trees,
  stop: Stop,
  onBytes: (bytes: number, total: number) => void,
): Promise<Updated> {
  const { program, version } = order;
  const { previous, work } = beside(program);
  const [fetched, unpacked] = [`${work}/${asset}`, `${work}/unpacked`];
  const fresh = `${unpacked}/usr/bin/edox-ops`;
  demandUnpackaged(host, program, ["install", `./${asset}`], `: fetch ${release.addressOf(asset)}`);
  demandRoom(host, folderOf(program));
  try {
    // What a killed one left.
    trees.remove(work);
    host.makeDirectory(work, { mode: 0o700, ...ownerOf(host, program) });
    const why = await host.download(release.addressOf(asset), fetched, { mostBytes, onBytes });
    heed(stop);
    if (why !== null) throw new Problem("blocked", `${release.addressOf(asset)} cannot be fetched: ${why}`);
    demandSum(host, fetched, release, asset);
    await must(host, ["dpkg-deb", "--extract", fetched, unpacked]);
    demandSum(host, fresh, release, binary);
    const told = await must(host, [fresh, "--version"]);
    if (told.trim() !== release.version) {
      throw new Problem(
        "blocked",
        `what was to be edox-ops ${release.version} says that it is ${told.trim().slice(0, 80)}`,
      );
    }
    heed(stop);
    trees.sync(fresh);
    const kept = trees.exchange(fresh, program);
    trees.move(fresh, kept ? previous : program);
    return { from: version, to: release.version, previous: kept ? previous : null };
  } catch (error) {
    const problem = Problem.of(error);
    throw withDiskFault(problem, host);
  } finally {
    try {
      trees.remove(work);
    } catch {
      // The next one clears it: why this one failed is told.
    }
  }
}

/** The one before this one and this one change places. Answers which it is now. */
export async function rollBack({ program, version }: Order, host: Host, trees: Trees): Promise<Updated> {
  const { previous } = beside(program);
  demandUnpackaged(host, program, ["install", "./edox-ops_X.Y.Z_ARCHITECTURE.deb"]);
  if (host.stat(previous)?.type !== "file") {
    const hint = ["sudo", "edox-ops", "self-update", "--version", "X.Y.Z"];
    throw new Problem("blocked", `${previous} is not there: no edox-ops before this one is kept`, { hint });
  }
  const to = (await must(host, [previous, "--version"])).trim();
  if (!trees.exchange(previous, program)) {
    throw new Problem("blocked", `the file system of ${program} cannot exchange two names`, {
      hint: ["sudo", "edox-ops", "self-update", "--version", to],
    });
  }
  return { from: version, to, previous };
}

function demandRoom(see: HostReader, folder: string): void {
  const free = see.space(folder)?.bytesFree ?? neededBytes;
  if (free >= neededBytes) return;
  const [has, needs] = [free, neededBytes].map((bytes) => Math.floor(bytes / 1e6));
  throw new Problem("blocked", `${folder} has ${has} MB free, ${needs} MB are needed`, { hint: ["df", "-h", folder] });
}

function demandSum(see: HostReader, path: string, release: Published, asset: string): void {
  const [wanted, found] = [release.sumOf(asset), digest(see, path)];
  if (found === wanted) return;
  const page = /<(!doctype|html)/i.test(Buffer.from(see.map(path)?.subarray(0, 512) ?? []).toString("latin1"));
  const message = page
    ? `${release.addressOf(asset)} answers with a web page: a proxy or a login stands in between`
    : `${asset} does not have the checksum of edox-ops ${release.version}: expected ${wanted}, got ${found}`;
  throw new Problem("blocked", message);
}

function digest(see: HostReader, path: string): string {
  return new Bun.CryptoHasher("sha256").update(see.map(path) ?? new Uint8Array()).digest("hex");
}

function ownerOf(see: HostReader, path: string): { uid: number; gid: number } {
  const { uid, gid } = see.stat(path) ?? { uid: 0, gid: 0 };
  return { uid, gid };
}

async function must(host: Host, argv: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await host.run(argv, { limitMs: childLimitMs });
  if (code === 0) return stdout;
  throw new Problem("command-failed", `${argv.join(" ")} failed`, { returncode: code, stderr });
}
