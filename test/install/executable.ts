// A minimal ELF for x64 that replaces the binary in tests. It passes its arguments to a script for /bin/sh.

/** Returns the executable. `padding`: number of incompressible bytes to append. */
export function executable(script: string, padding: number): Uint8Array {
  const words = ["/bin/sh", "-c", script].map((word) => Buffer.from(`${word}\0`));
  const headers = 64 + 56;
  const codeSize = 46;
  const at = (index: number): number => headers + codeSize + Buffer.concat(words.slice(0, index)).length;
  const code: number[] = [];
  const lea = (register: number, target: number): void => {
    const offset = target - (headers + code.length + 7);
    code.push(0x48, 0x8d, register, offset & 255, (offset >> 8) & 255, 0, 0);
  };
  // rdx points to the environment, which follows the arguments and a null. The address of the script replaces argc.
  code.push(0x48, 0x8b, 0x04, 0x24, 0x48, 0x8d, 0x54, 0xc4, 0x10);
  lea(0x05, at(2));
  code.push(0x48, 0x89, 0x04, 0x24);
  lea(0x05, at(1));
  code.push(0x50);
  lea(0x3d, at(0));
  // execve("/bin/sh", rsp, rdx)
  code.push(0x57, 0x48, 0x89, 0xe6, 0xb8, 59, 0, 0, 0, 0x0f, 0x05);

  const body = Buffer.concat([Buffer.from(code), ...words, noise(padding)]);
  const base = 0x400000;
  const header = Buffer.alloc(headers);
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  header.writeUInt16LE(2, 16);
  header.writeUInt16LE(62, 18);
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(BigInt(base + headers), 24);
  header.writeBigUInt64LE(64n, 32);
  header.writeUInt16LE(64, 52);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(1, 56);
  // One segment contains the whole file and is readable and executable.
  header.writeUInt32LE(1, 64);
  header.writeUInt32LE(5, 68);
  header.writeBigUInt64LE(BigInt(base), 80);
  header.writeBigUInt64LE(BigInt(base), 88);
  header.writeBigUInt64LE(BigInt(headers + body.length), 96);
  header.writeBigUInt64LE(BigInt(headers + body.length), 104);
  header.writeBigUInt64LE(4096n, 112);
  return Buffer.concat([header, body]);
}

function noise(size: number): Buffer {
  const blocks: Buffer[] = [];
  for (let from = 0; from < size; from += 64) {
    blocks.push(new Bun.CryptoHasher("sha512").update(String(from)).digest());
  }
  return Buffer.concat(blocks).subarray(0, size);
}
