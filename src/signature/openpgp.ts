// Parses OpenPGP (RFC 9580, and RFC 4880 before it) as far as needed for the expiry of keys and the issuers of
// signatures. It verifies no signature: apt does that. Input is treated as hostile: unknown data is skipped and never
// guessed.

export interface PublicKey {
  /** The key ID that signatures name, in hexadecimal. */
  id: string;
  /** The fingerprint of the whole key, in upper-case hexadecimal: the form that people compare. */
  fingerprint: string;
  /** Whether it is a primary key. apt is configured with the fingerprint of a primary key. */
  isPrimary: boolean;
  /** Unix milliseconds, or null if it does not expire. A subkey expires no later than its primary key. */
  expiresMs: number | null;
  /** Whether only signatures over MD5, SHA-1 or RIPEMD-160 bind it. sqv, which apt 3 uses, refuses such a key. */
  isWeak: boolean;
}

const tags = { signature: 2, key: 6, subkey: 14 };
/** Certifications of a name, a subkey's binding, and a signature directly on the key. */
const ownSignatures = [0x10, 0x11, 0x12, 0x13, 0x18, 0x1f];
const begin = "-----BEGIN PGP ";
const subpackets = { created: 2, keyExpires: 9, issuer: 16, embedded: 32, fingerprint: 33 };
/** MD5, SHA-1 and RIPEMD-160. */
const weakDigests = [1, 2, 3];

interface Packet {
  tag: number;
  body: Buffer;
}

/** Thrown inside a packet that ends too early or has a form that no current key uses. */
class Malformed extends Error {}

/** Returns the keys and subkeys of a keyring file, binary or ASCII-armored. */
export function publicKeys(bytes: Uint8Array): PublicKey[] {
  interface Dated extends PublicKey {
    createdMs: number;
    /** The creation time of the newest signature that states the expiry. */
    saidMs: number;
  }
  const keys: Dated[] = [];
  let primary: Dated | undefined;
  for (const { tag, body } of packets(unarmor(bytes))) {
    if (tag === tags.key || tag === tags.subkey) {
      const read = attempt(() => identify(body));
      const key = read && { ...read, isPrimary: tag === tags.key, expiresMs: null, isWeak: true, saidMs: -1 };
      if (tag === tags.key) primary = key;
      if (key && primary) keys.push(key);
      if (!key && tag === tags.subkey) primary = undefined;
      continue;
    }
    const key = keys.at(-1);
    const signature = tag === tags.signature && attempt(() => signatureOf(body));
    if (!signature || !key || !primary || !ownSignatures.includes(signature.type)) continue;
    if (!signature.issuers.includes(primary.id)) continue;
    key.isWeak &&= signature.isWeak;
    if (signature.createdMs < key.saidMs) continue;
    key.saidMs = signature.createdMs;
    key.expiresMs = signature.lifeMs === 0 ? null : key.createdMs + signature.lifeMs;
    if (key !== primary) key.expiresMs = earlier(key.expiresMs, primary.expiresMs);
  }
  return keys.map(({ createdMs, saidMs, ...key }) => key);
}

/** Returns the IDs of the keys that a detached or a clear-text signature names. */
export function signers(bytes: Uint8Array): string[] {
  return [...new Set(signaturesIn(bytes).flatMap(({ issuers }) => issuers))];
}

/** Returns the IDs of the keys that have signed over a digest that is not broken. */
export function strongSigners(bytes: Uint8Array): string[] {
  return [...new Set(signaturesIn(bytes).flatMap(({ isWeak, issuers }) => (isWeak ? [] : issuers)))];
}

function signaturesIn(bytes: Uint8Array): Signature[] {
  const found = [...packets(unarmor(bytes))].filter(({ tag }) => tag === tags.signature);
  return found.flatMap(({ body }) => attempt(() => signatureOf(body)) ?? []);
}

function earlier(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : Math.min(one, other);
}

/** Returns the result of `read`, or undefined if the data is malformed. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Malformed || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Returns the content of all armored blocks of a text. Data without armor is binary already. */
function unarmor(bytes: Uint8Array): Buffer {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const blocks: Buffer[] = [];
  for (let at = text.indexOf(begin); at >= 0; at = text.indexOf(begin, at + 1)) {
    const end = text.indexOf("\n-----END ", at);
    const block = text.toString("latin1", at, end < 0 ? text.length : end).replaceAll("\r", "");
    // A block consists of its title line, headers, an empty line and the body. The checksum line begins with an equals
    // sign.
    const body = block.slice(block.search(/\n[ \t]*\n/) + 1).split("\n=")[0] ?? "";
    if (/^-----BEGIN PGP (PUBLIC KEY BLOCK|SIGNATURE)-----/.test(block)) blocks.push(Buffer.from(body, "base64"));
  }
  return blocks.length === 0 && !text.includes(begin) ? text : Buffer.concat(blocks);
}

/**
 * Yields packets up to the first incomplete one. Partial and indeterminate lengths, which no key has, end the sequence
 * too.
 */
function* packets(bytes: Buffer): Generator<Packet> {
  for (let at = 0; at < bytes.length; ) {
    const packet = attempt(() => packetAt(bytes, at));
    if (packet === undefined) return;
    yield packet;
    at = packet.end;
  }
}

function packetAt(bytes: Buffer, start: number): Packet & { end: number } {
  const head = bytes.readUInt8(start);
  if ((head & 0x80) === 0) throw new Malformed();
  const modern = (head & 0x40) !== 0;
  const tag = modern ? head & 0x3f : (head >> 2) & 0xf;
  const { length, size } = modern ? lengthAt(bytes, start + 1) : oldLengthAt(bytes, start + 1, head & 3);
  const from = start + 1 + size;
  if (from + length > bytes.length) throw new Malformed();
  return { tag, body: bytes.subarray(from, from + length), end: from + length };
}

function lengthAt(bytes: Buffer, at: number): { length: number; size: number } {
  const first = bytes.readUInt8(at);
  if (first < 192) return { length: first, size: 1 };
  if (first < 224) return { length: ((first - 192) << 8) + bytes.readUInt8(at + 1) + 192, size: 2 };
  if (first < 255) throw new Malformed();
  return { length: bytes.readUInt32BE(at + 1), size: 5 };
}

function oldLengthAt(bytes: Buffer, at: number, kind: number): { length: number; size: number } {
  if (kind === 3) throw new Malformed();
  const size = 1 << kind;
  return { length: bytes.readUIntBE(at, size), size };
}

/** Returns the fingerprint and the key ID: the end of a SHA-1 in version 4, the beginning of a SHA-256 in version 6. */
function identify(body: Buffer): Pick<PublicKey, "id" | "fingerprint"> & { createdMs: number } {
  const version = body.readUInt8(0);
  const createdMs = body.readUInt32BE(1) * 1000;
  const head = Buffer.alloc(version === 4 ? 3 : 5);
  if (version === 4) {
    head.writeUInt8(0x99);
    head.writeUInt16BE(body.length, 1);
    const digest = new Bun.CryptoHasher("sha1").update(head).update(body).digest("hex");
    return { id: digest.slice(-16), fingerprint: digest.toUpperCase(), createdMs };
  }
  if (version !== 6) throw new Malformed();
  head.writeUInt8(0x9b);
  head.writeUInt32BE(body.length, 1);
  const digest = new Bun.CryptoHasher("sha256").update(head).update(body).digest("hex");
  return { id: digest.slice(0, 16), fingerprint: digest.toUpperCase(), createdMs };
}

interface Signature {
  type: number;
  issuers: string[];
  createdMs: number;
  /** The time from the key's creation to its expiry, or 0 if it never expires. */
  lifeMs: number;
  /** Whether its digest is broken, or that of the signature by which a subkey confirms its binding. */
  isWeak: boolean;
}

/** Parses a signature. Times count only from the signed area. The issuer may be stated in the unsigned area too. */
function signatureOf(body: Buffer): Signature {
  const version = body.readUInt8(0);
  if (version !== 4 && version !== 6) throw new Malformed();
  const width = version === 4 ? 2 : 4;
  const signed = area(body, 4, width);
  const free = area(body, 4 + width + signed.length, width);
  const signedParts = subpacketsOf(signed);
  const seconds = (type: number): number =>
    signedParts.findLast((each) => each.type === type)?.data.readUInt32BE(0) ?? 0;
  const issuers = [...signedParts, ...subpacketsOf(free)].flatMap(({ type, data }) => {
    if (type === subpackets.issuer) return data.toString("hex", 0, 8);
    if (type !== subpackets.fingerprint) return [];
    return data.readUInt8(0) === 4 ? data.toString("hex", 13, 21) : data.toString("hex", 1, 9);
  });
  const confirming = [...signedParts, ...subpacketsOf(free)].filter(({ type }) => type === subpackets.embedded);
  return {
    type: body.readUInt8(1),
    isWeak: [body, ...confirming.map(({ data }) => data)].some((each) => weakDigests.includes(each.readUInt8(3))),
    issuers: [...new Set(issuers)],
    createdMs: seconds(subpackets.created) * 1000,
    lifeMs: seconds(subpackets.keyExpires) * 1000,
  };
}

function area(body: Buffer, at: number, width: number): Buffer {
  const length = body.readUIntBE(at, width);
  if (at + width + length > body.length) throw new Malformed();
  return body.subarray(at + width, at + width + length);
}

function subpacketsOf(bytes: Buffer): { type: number; data: Buffer }[] {
  const found: { type: number; data: Buffer }[] = [];
  for (let at = 0; at < bytes.length; ) {
    const first = bytes.readUInt8(at);
    // These lengths differ from those of packets: a length of two bytes begins with up to 254 here.
    const size = first < 192 ? 1 : first < 255 ? 2 : 5;
    const length =
      size === 1
        ? first
        : size === 2
          ? ((first - 192) << 8) + bytes.readUInt8(at + 1) + 192
          : bytes.readUInt32BE(at + 1);
    if (length === 0 || at + size + length > bytes.length) throw new Malformed();
    // The highest bit marks a critical subpacket.
    found.push({ type: bytes.readUInt8(at + size) & 0x7f, data: bytes.subarray(at + size + 1, at + size + length) });
    at += size + length;
  }
  return found;
}
