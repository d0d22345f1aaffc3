// Two builds of one site on a file system of its own: an ext4 in a file, or a tmpfs.

import { mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { must } from "../test/integration/run.ts";

/** Of a site: its size, and how much the one build differs from the other. */
export interface Size {
  files: number;
  bytes: number;
  folders: number;
  /** Files between one that differs and the next. */
  every: number;
}

const large = { files: 5, bytes: 20_000_000 };

/** Mounted for as long as it is in use. */
export class FileSystem implements Disposable {
  /** Not below /tmp, which may be a tmpfs itself. */
  readonly #work = mkdtempSync("/var/tmp/edox-bench-");
  /** As near to the top as a host's own trees: a long way down costs, and not all contestants alike. */
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

  /** Bytes that are taken. */
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

/** One build. Of a file that differs only the content does, in one place: its size is that of the other build. */
export function build(dir: string, version: number, size: Size): void {
  const smallBytes = size.bytes - large.files * large.bytes;
  const mean = smallBytes / (size.files - large.files);
  const random = randomBytes(large.bytes + size.files);
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

/** Some within others, as sites are. */
function folderOf(dir: string, folder: number): string {
  return `${dir}/part-${folder % 27}${folder < 27 ? "" : `/chapter-${folder}`}`;
}

/** The same ones in every run. */
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
