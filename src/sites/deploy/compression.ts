// Compressed files that a deploy writes beside the files of a site, so that nginx need not compress them for each
// request. They belong to the release and not to its source: no report counts them.

import type { HostReader } from "../../host/host.ts";
import type { Encoding, TreeEntry, Trees } from "../../host/trees.ts";
import { compressedExtensions } from "../../nginx/content-types.ts";
import { brotliModule } from "../../nginx/text.ts";
import { nameOf, parentOf } from "../../text/path.ts";
import { readCompressed } from "./compressed-trees.ts";
import type { DeployRequest, Origin } from "./plan.ts";
import { encodingOf, encodings, isOwn, plainOf } from "./precompressed.ts";
import type { Pair } from "./side-by-side.ts";

/** A smaller file fits into one packet. A larger one takes too much memory to compress. */
const [leastBytes, mostBytes] = [1024, 8 * 2 ** 20];
/** Leaves room for the ending in a name of 255 bytes. */
const longestName = 252;

/** Instead of an inode: the source has a file of this name, or the live tree had one that is not ours. */
const fromSource = -1;
const missing = -2;
/** Instead of an inode: the stage has the file already. */
const staged = -3;

/** Returns the encodings that a deploy of the project writes. */
function encodingsFor(reader: HostReader, precompress = false): Encoding[] {
  return encodings.filter((encoding) => precompress && (encoding !== ".br" || reader.stat(brotliModule) !== null));
}

function isCompressible({ path, type, size }: TreeEntry): boolean {
  if (type !== "file" || size <= leastBytes || size > mostBytes) return false;
  const name = nameOf(path);
  const extension = name.slice(name.lastIndexOf(".") + 1).toLowerCase();
  return compressedExtensions.has(extension) && Buffer.byteLength(name) <= longestName;
}

/** Plans the compressed files of a new tree while it is compared with the live one. */
export class Compression {
  /** For each encoding and file: the inode of its live compressed file, or one of the values above. */
  readonly #found = new Map<Encoding, (TreeEntry["inode"] | undefined)[]>();
  /** The files of the directory that is compared, by path, with their index in the new tree. */
  readonly #files = new Map<string, { index: number; live: TreeEntry | undefined; isKept: boolean }>();
  #dir = "";
  /** The index of each inode in {@link #found}. */
  readonly #indices = new Map<Encoding, Map<TreeEntry["inode"] | undefined, number>>();
  /** Whether the live tree has compressed files that are not wanted. */
  #hasStray = false;

  private constructor(
    /** The encodings of the new tree. */
    readonly encodings: readonly Encoding[],
    /** The encodings that the live tree was compressed with. */
    readonly live: readonly string[],
    /** Those of the source, which is a release. */
    readonly source: readonly string[],
  ) {
    for (const encoding of encodings) this.#found.set(encoding, []);
  }

  /** `shared` is the tree that unchanged files come from, and the key of its target. */
  static of(
    reader: HostReader,
    trees: Trees,
    { project, target, dir, of }: DeployRequest,
    shared: { key: string; dir: string },
  ): Compression {
    const encodings = encodingsFor(reader, project.precompress);
    const live = readCompressed(reader, trees, shared.key, shared.dir);
    return new Compression(encodings, live, of === "release" ? readCompressed(reader, trees, target.key, dir) : []);
  }

  /** Whether compressed files have to be written or removed even if the source did not change. */
  get isDue(): boolean {
    return this.encodings.join() !== this.live.join() || this.#hasStray;
  }

  /**
   * Records a pair, and returns its live entry: undefined for a compressed file that a deploy wrote. `index` is that of
   * a file in the new tree, `isKept` whether the live file has the same content.
   */
  withoutOwn([entry, twin]: Pair, index: number, isKept: boolean): TreeEntry | undefined {
    if (this.encodings.length + this.live.length === 0) return twin;
    const { path } = (entry ?? twin) as TreeEntry;
    const dir = parentOf(path);
    if (dir !== this.#dir) this.#files.clear();
    this.#dir = dir;
    const encoding = encodingOf(path);
    if (encoding === undefined) {
      const isWanted = entry !== undefined && isCompressible(entry);
      this.#files.set(path, { index: isWanted ? index : -1, live: twin, isKept });
      return twin;
    }
    const file = this.#files.get(plainOf(path, encoding));
    const own = twin !== undefined && isOwn(twin, file?.live);
    this.#hasStray ||= own && !this.live.includes(encoding);
    if (file !== undefined && file.index >= 0) {
      const isGood = own && file.isKept && this.live.includes(encoding);
      const state = entry !== undefined ? fromSource : isGood ? twin.inode : missing;
      const found = this.#found.get(encoding);
      if (found !== undefined) found[file.index] = state;
    }
    return own ? undefined : twin;
  }

  /** Returns whether an entry of the stage is a compressed file of the new tree, and records that it is there. */
  keeps({ path, inode }: TreeEntry): boolean {
    const encoding = encodingOf(path);
    const found = encoding && this.#found.get(encoding);
    if (encoding === undefined || found === undefined) return false;
    const indices = this.#indices.get(encoding) ?? new Map([...found.entries()].map(([index, each]) => [each, index]));
    this.#indices.set(encoding, indices);
    const index = indices.get(inode);
    if (index !== undefined) found[index] = staged;
    return index !== undefined;
  }

  /** Returns the encodings that have to be made for a file with this origin. */
  missingFor(entry: TreeEntry, index: number, origin: Origin): Encoding[] {
    if (this.encodings.length === 0 || !isCompressible(entry)) return [];
    return this.encodings.filter((encoding) => {
      const found = this.#found.get(encoding)?.[index];
      if (found === fromSource) return false;
      if (origin === "live") return found === missing || !this.live.includes(encoding);
      return origin === "copy" || !this.source.includes(encoding);
    });
  }

  /**
   * Hard-links the compressed files that `from`, which has this origin, already has. Returns the paths to write beside
   * `to`, which is in the stage. A release that was compressed has no compressed file where one would not be smaller.
   */
  link(trees: Trees, entry: TreeEntry, { index, origin, from, to }: Staged): string[] {
    if (this.encodings.length === 0 || !isCompressible(entry)) return [];
    const due = new Set(this.missingFor(entry, index, origin));
    for (const encoding of this.encodings) {
      const found = this.#found.get(encoding)?.[index];
      if (due.has(encoding) || found === fromSource || found === staged) continue;
      const isThere = origin === "live" ? found !== undefined : isOwn(trees.entry(`${from}${encoding}`), entry);
      if (isThere && !trees.share(`${from}${encoding}`, `${to}${encoding}`)) due.add(encoding);
    }
    return this.encodings.filter((encoding) => due.has(encoding)).map((encoding) => `${to}${encoding}`);
  }
}

/** A file of the new tree, and where its content comes from. */
interface Staged {
  index: number;
  origin: Origin;
  from: string;
  to: string;
}
