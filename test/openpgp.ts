// Creates keyrings in the format of gpg. Their signatures are not valid, because nothing verifies them here.

const packet = (tag: number, body: Buffer): Buffer =>
  Buffer.concat([Buffer.from([0xc0 | tag, 255]), u32(body.length), body]);
const subpacket = (type: number, data: Buffer): Buffer => Buffer.concat([Buffer.from([data.length + 1, type]), data]);

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function area(bytes: Buffer, version: number): Buffer {
  return Buffer.concat([version === 6 ? u32(bytes.length) : u32(bytes.length).subarray(2), bytes]);
}

/**
 * Returns one signature packet of this type and issuer. `created`: its time in Unix seconds. `life`: the lifetime in
 * seconds of the key that it certifies.
 */
export function signature(type: number, issuer: string, created = 1000, life = 0, version = 4): Buffer {
  const signed = Buffer.concat([subpacket(2, u32(created)), ...(life === 0 ? [] : [subpacket(9, u32(life))])]);
  const free = subpacket(16, Buffer.from(issuer, "hex"));
  return packet(2, Buffer.concat([Buffer.from([version, type, 1, 8]), area(signed, version), area(free, version)]));
}

interface Wanted {
  created: number;
  /** Lifetimes of the key in seconds. Each has a signature, one second after the other. */
  lives: number[];
  /** The lifetime of a signing subkey. */
  subkey?: number;
  version?: number;
  issuer?: string;
}

export function keyring({ created, lives, subkey, version = 4, issuer }: Wanted): Buffer {
  const key = Buffer.concat([Buffer.from([version]), u32(created), Buffer.from("key material")]);
  const id = issuer ?? idOf(key, version);
  return Buffer.concat([
    packet(6, key),
    packet(13, Buffer.from("A key <a@example.test>")),
    ...lives.map((life, index) => signature(0x13, id, created + index, life, version)),
    ...(subkey === undefined
      ? []
      : [packet(14, Buffer.concat([key, Buffer.from("sub")])), signature(0x18, id, created, subkey, version)]),
  ]);
}

export function idOf(key: Buffer, version = 4): string {
  const v4 = version === 4;
  const head = v4
    ? Buffer.concat([Buffer.from([0x99]), u32(key.length).subarray(2)])
    : Buffer.concat([Buffer.from([0x9b]), u32(key.length)]);
  const digest = new Bun.CryptoHasher(v4 ? "sha1" : "sha256").update(head).update(key).digest("hex");
  return v4 ? digest.slice(-16) : digest.slice(0, 16);
}
