// Creates two builds of one site on a file system of their own: an ext4 in a file, or a tmpfs.

import { mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { must } from "../test/integration/run.ts";

/** The size of a site, and how much the two builds differ. */
export interface Size {
  files: number;
  bytes: number;
  folders: number;
  /** Every n-th file differs. */
  every: number;
  /** Whether the files are text, which compression shrinks to a quarter. Without it they are random. */
  text?: boolean;
}

const large = { files: 5, bytes: 20_000_000 };

/** Stays mounted until it is disposed. */
export class FileSystem implements Disposable {
  /** Not below /tmp, which may be a tmpfs itself. */
  readonly #work = mkdtempSync("/var/tmp/edox-bench-");
  /** At the same depth as the trees of a real host, because long paths cost time, and not all contestants the same. */
  readonly dir = mkdtempSync("/mnt/b-");
  #device: string | null = null;

  constructor(readonly type: "ext4" | "tmpfs") {
    try {
      if (type === "tmpfs") must(["mount", "-t", "tmpfs", "-o", "size=8g,nr_inodes=4m", "bench", this.dir]);
      else {
        const image = `${this.#work}/image`;
        must(["truncate", "--size=12G", image]);
        must(["mkfs.ext4", "-q", "-i", "8192", "-E", "lazy_itable_init=0,lazy_journal_init=0", image]);
        this.#device = must(["losetup", "--find", "--show", "--direct-io=on", image]).trim();
        must(["mount", "-o", "noatime", this.#device, this.dir]);
      }
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Returns the used space in bytes. */
  used(): number {
    must(["sync", "-f", this.dir]);
    return Number(must(["df", "--output=used", "--block-size=1", this.dir]).split("\n")[1]);
  }

  [Symbol.dispose](): void {
    if (Bun.spawnSync(["mountpoint", "-q", this.dir]).success) must(["umount", this.dir]);
    if (this.#device !== null) must(["losetup", "--detach", this.#device]);
    rmdirSync(this.dir);
    rmSync(this.#work, { recursive: true, force: true });
  }
}

/** Creates one build. A file that differs has the same size in both builds and differs in one place. */
export function build(dir: string, version: number, size: Size): void {
  const smallBytes = size.bytes - large.files * large.bytes;
  const mean = smallBytes / (size.files - large.files);
  const random = (size.text ? textBytes : randomBytes)(large.bytes + size.files);
  mkdirSync(dir, { recursive: true });
  for (let folder = 0; folder < size.folders; folder++) mkdirSync(folderOf(dir, folder), { recursive: true });
  for (let file = 0; file < size.files; file++) {
    const isLarge = file < large.files;
    const bytes = isLarge ? large.bytes : Math.round(mean * (0.25 + (1.5 * (file % 97)) / 96));
    const content = random.subarray(file, file + bytes);
    const name = file === large.files ? `${dir}/index.html` : `${folderOf(dir, file % size.folders)}/page-${file}.html`;
    writeFileSync(name, content);
    if (!isLarge && file % size.every === 0) writeFileSync(name, `build ${version}\n`, { flag: "r+" });
  }
}

/** Nests some of the folders, as in real sites. */
function folderOf(dir: string, folder: number): string {
  return `${dir}/part-${folder % 27}${folder < 27 ? "" : `/chapter-${folder}`}`;
}

/** Returns markup of pseudorandom words, of which a few are frequent, as in a language. */
function textBytes(count: number): Uint8Array {
  const random = randomBytes(4 * count);
  const words = Array.from({ length: 4096 }, (_, i) =>
    Array.from(random.subarray(9 * i, 9 * i + 3 + (i % 7)), (byte) => String.fromCharCode(97 + (byte % 26))).join(""),
  );
  const parts: string[] = [];
  for (let at = 0, length = 0; length < count; at += 2) {
    const share = ((random[at] ?? 0) * 256 + (random[at + 1] ?? 0)) / 65_536;
    const word = words[Math.floor(4096 * share ** 3)] ?? "";
    parts.push(at % 40 === 0 ? `${word}.</p>\n<p class="section">` : `${word} `);
    length += parts.at(-1)?.length ?? 0;
  }
  return new TextEncoder().encode(parts.join("")).subarray(0, count);
}

/** Returns pseudorandom bytes that are the same in every run. */
function randomBytes(count: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(count / 4));
  let state = 1;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return new Uint8Array(words.buffer);
}
