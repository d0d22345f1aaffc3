// A bundle may be cut into parts, for file systems that limit the size of a file: NAME.1of3, NAME.2of3, NAME.3of3.

import type { HostReader, LargeFile } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import { nameOf, parentOf } from "../text/path.ts";

const partName = /^(.+)\.([1-9]\d{0,3})of([1-9]\d{0,3})$/;

/** Returns the name of a part. `index` begins with 0. */
export function partPath(path: string, index: number, count: number): string {
  return `${path}.${index + 1}of${count}`;
}

/**
 * Opens a bundle, whole or in parts, as one file. `path`: the bundle, or any of its parts. Throws a Problem that names a
 * missing part.
 */
export function openParts(reader: HostReader, path: string): LargeFile {
  const paths = partsOf(reader, path);
  const files: LargeFile[] = [];
  const close = (): void => {
    for (const file of files) file.close();
  };
  for (const each of paths) {
    const file = reader.openFile(each);
    if (file === null) {
      close();
      throw missing(each, paths.length > 1);
    }
    files.push(file);
  }
  if (files.length === 1 && files[0] !== undefined) return files[0];
  return {
    size: files.reduce((sum, { size }) => sum + size, 0),
    read(offset, length, buffer) {
      const pieces: Uint8Array[] = [];
      let [at, left] = [offset, length];
      for (const file of files) {
        if (at < file.size && left > 0) {
          const piece = file.read(at, Math.min(left, file.size - at), pieces.length === 0 ? buffer : undefined);
          pieces.push(piece);
          left -= piece.length;
          at += piece.length;
        }
        at -= file.size;
      }
      return pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces);
    },
    close,
  };
}

/** Returns the paths of all parts, in order. */
function partsOf(reader: HostReader, path: string): string[] {
  const typed = partName.exec(path);
  if (typed === null && reader.statTarget(path) !== null) return [path];
  const base = typed?.[1] ?? path;
  const siblings = reader.list(parentOf(path) || ".") ?? [];
  const counts = siblings.flatMap((name) => {
    const part = partName.exec(name);
    return part?.[1] === nameOf(base) ? Number(part[3]) : [];
  });
  const count = typed === null ? counts[0] : Number(typed[3]);
  if (count === undefined) return [path];
  if (counts.some((each) => each !== count)) {
    const message = `${parentOf(path)} holds parts of several bundles named ${nameOf(base)}`;
    throw new Problem("conflict", message, { hint: ["ls", "-l", parentOf(path) || "."] });
  }
  return Array.from({ length: count }, (_, index) => partPath(base, index, count));
}

function missing(path: string, isPart: boolean): Problem {
  const message = isPart
    ? `the part ${nameOf(path)} of the bundle is missing in ${parentOf(path)}`
    : `bundle ${path} not found`;
  return new Problem("not-found", message, { hint: ["ls", "-l", parentOf(path) || "."] });
}
