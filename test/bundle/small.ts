// Small bundles for tests.

import { digestLine, type Manifest, type Member } from "../../src/bundle/manifest.ts";
import { endBytes, paddingOf, tarHeader } from "../../src/bundle/tar.ts";
import { type Content, memberOf, writeBundle } from "../../src/bundle/writer.ts";
import type { Host } from "../../src/host/host.ts";

export const serial = 1_790_000_000;

/** Returns the manifest of a bundle without content. */
export function emptyManifest(changes: Partial<Manifest> = {}): Manifest {
  return {
    format: 1,
    serial,
    target: { family: "debian", codename: "bookworm", architecture: "amd64" },
    with: ["host"],
    since: null,
    repositories: [],
    keys: [],
    packages: [],
    images: [],
    sites: [],
    program: null,
    kept: [],
    members: [],
    ...changes,
  };
}

interface Made {
  changes?: Partial<Manifest>;
  sign?: (manifest: Uint8Array) => Promise<Uint8Array>;
  partBytes?: number;
}

/** Writes a bundle with these members, and returns the paths of its parts. */
export async function makeBundle(
  host: Host,
  path: string,
  contents: Record<string, Content>,
  { changes, sign, partBytes }: Made = {},
): Promise<string[]> {
  const members: Member[] = [];
  for (const [each, content] of Object.entries(contents)) members.push(await memberOf(host, each, content));
  const manifest = emptyManifest({ members, ...changes });
  return writeBundle(host, {
    manifest,
    contents: new Map(Object.entries(contents)),
    path,
    mode: 0o644,
    sign,
    partBytes,
  });
}

/** Returns the bytes of a tar with these members, which may be of any kind. */
export function tarOf(members: readonly [path: string, bytes: Uint8Array][], seconds = serial): Buffer {
  const blocks = members.flatMap(([path, bytes]) => {
    return [tarHeader(path, bytes.length, seconds), bytes, Buffer.alloc(paddingOf(bytes.length))];
  });
  return Buffer.concat([...blocks, Buffer.alloc(endBytes)]);
}

/** Returns the bytes of a bundle whose manifest is any JSON value, followed by these members. */
export function bundleOf(manifest: unknown, members: readonly [path: string, bytes: Uint8Array][] = []): Buffer {
  const bytes = Buffer.from(typeof manifest === "string" ? manifest : `${JSON.stringify(manifest, null, 1)}\n`);
  return tarOf([["manifest.json", bytes], ["manifest.sha256", digestLine(bytes)], ...members]);
}
