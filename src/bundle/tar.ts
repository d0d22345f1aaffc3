// The layout of a bundle as a tar. Offsets and widths are those of the ustar format in pax(1) of POSIX. Each byte that is
// not content follows from the names, the sizes and the time, so a reader compares it and never parses a foreign header.

export const blockBytes = 512;
/** The end of a tar: two blocks of zeros. */
export const endBytes = 2 * blockBytes;
/** The largest size that 11 octal digits express. */
export const mostMemberBytes = 8 ** 11 - 1;

const [nameBytes, prefixBytes] = [100, 155];
const mode = 0o644;

/**
 * Returns the header block of a regular file of root. `seconds`: its time of modification, in Unix seconds. Throws a
 * RangeError for a path or a size that ustar cannot express.
 */
export function tarHeader(path: string, size: number, seconds: number): Buffer {
  const parts = splitPath(path);
  if (parts === null) throw new RangeError(`the path ${path} is too long for a tar`);
  const [prefix, name] = parts;
  const block = Buffer.alloc(blockBytes);
  const octal = (value: number, at: number, digits: number): void => {
    const text = value.toString(8).padStart(digits, "0");
    if (text.length > digits || !Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} of ${path}`);
    block.write(text, at, "latin1");
  };
  block.write(name, 0, "latin1");
  octal(mode, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(size, 124, 11);
  octal(seconds, 136, 11);
  block.write("        0", 148, "latin1");
  block.write("ustar\0" + "00root", 257, "latin1");
  block.write("root", 297, "latin1");
  block.write(prefix, 345, "latin1");
  octal(
    block.reduce((sum, byte) => sum + byte, 0),
    148,
    6,
  );
  block.write("\0 ", 154, "latin1");
  return block;
}

/** Returns the number of zeros after content of this size. */
export function paddingOf(size: number): number {
  return (blockBytes - (size % blockBytes)) % blockBytes;
}

/**
 * Returns the two fields of a path, or null if it is too long: a path longer than the name field has its first
 * directories in the prefix field.
 */
export function splitPath(path: string): [prefix: string, name: string] | null {
  if (path.length <= nameBytes) return ["", path];
  const slash = path.indexOf("/", path.length - nameBytes - 1);
  return slash < 1 || slash > prefixBytes ? null : [path.slice(0, slash), path.slice(slash + 1)];
}
