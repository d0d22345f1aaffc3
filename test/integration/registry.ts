// A registry of images that are made on the spot: small ones of any number, each with content of its own.

import { createHash, randomUUID } from "node:crypto";
import { gzipSync } from "node:zlib";

const types = {
  manifest: "application/vnd.docker.distribution.manifest.v2+json",
  config: "application/vnd.docker.container.image.v1+json",
  layer: "application/vnd.docker.image.rootfs.diff.tar.gzip",
};

const digestOf = (bytes: Uint8Array): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
const jsonOf = (value: object): Buffer => Buffer.from(JSON.stringify(value));

export class Registry implements Disposable {
  readonly #blobs = new Map<string, Uint8Array>();
  readonly #manifests = new Map<string, Uint8Array>();
  readonly #base: Uint8Array;
  readonly #server: Bun.Server<undefined>;

  /** `busybox`: the bytes of a static one, which every image has. */
  constructor(address: string, busybox: Uint8Array) {
    this.#base = tar([
      ["bin/busybox", busybox, 0o755],
      ...["sh", "dd", "echo", "sleep", "sync", "cat"].map((name): Entry => [`bin/${name}`, "busybox", 0o777]),
    ]);
    this.#server = Bun.serve({ hostname: address, port: 0, fetch: (request) => this.#answer(request) });
  }

  /** The host and port with which the names of its images begin. */
  get name(): string {
    return `${this.#server.hostname}:${this.#server.port}`;
  }

  /** Makes an image that takes this many bytes, in place of one with this tag. Returns its reference. */
  push(repository: string, tag: string, bytes: number): string {
    // Zeros take their space on the disk of the host, and none in this process.
    const content = Buffer.alloc(bytes);
    content.write(randomUUID());
    const layers = [this.#base, tar([["content", content, 0o644]])];
    const packed = layers.map((layer) => gzipSync(layer, { level: 1 }));
    const config = jsonOf({
      ...{ architecture: "amd64", os: "linux", config: { Env: ["PATH=/bin"] } },
      rootfs: { type: "layers", diff_ids: layers.map(digestOf) },
    });
    const descriptor = (mediaType: string, blob: Uint8Array) => {
      this.#blobs.set(digestOf(blob), blob);
      return { mediaType, size: blob.length, digest: digestOf(blob) };
    };
    const manifest = jsonOf({
      ...{ schemaVersion: 2, mediaType: types.manifest, config: descriptor(types.config, config) },
      layers: packed.map((layer) => descriptor(types.layer, layer)),
    });
    for (const reference of [tag, digestOf(manifest)]) this.#manifests.set(`${repository}/${reference}`, manifest);
    return `${this.name}/${repository}:${tag}`;
  }

  #answer(request: Request): Response {
    const { pathname } = new URL(request.url);
    if (pathname === "/v2/") return Response.json({});
    const [, repository, kind, reference = ""] = /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/.exec(pathname) ?? [];
    const all = kind === "blobs" ? this.#blobs : this.#manifests;
    const found = all.get(kind === "blobs" ? reference : `${repository}/${reference}`);
    if (found === undefined) return Response.json({ errors: [{ code: "MANIFEST_UNKNOWN" }] }, { status: 404 });
    const headers = {
      "Content-Type": kind === "blobs" ? "application/octet-stream" : types.manifest,
      "Content-Length": String(found.length),
      "Docker-Content-Digest": digestOf(found),
    };
    return new Response(request.method === "HEAD" ? null : found, { headers });
  }

  [Symbol.dispose](): void {
    this.#server.stop(true);
  }
}

/** A file with its content, or a symbolic link with its target. */
type Entry = readonly [path: string, content: Uint8Array | string, mode: number];

function tar(entries: readonly Entry[]): Uint8Array {
  const blocks = entries.flatMap(([path, content, mode]) => {
    const bytes = typeof content === "string" ? new Uint8Array() : content;
    const header = Buffer.alloc(512);
    const octal = (value: number, length: number): string => value.toString(8).padStart(length - 1, "0");
    header.write(path, 0);
    header.write(octal(mode, 8), 100);
    header.write(octal(0, 8), 108);
    header.write(octal(0, 8), 116);
    header.write(octal(bytes.length, 12), 124);
    header.write(octal(0, 12), 136);
    header.write(typeof content === "string" ? "2" : "0", 156);
    if (typeof content === "string") header.write(content, 157);
    header.write("ustar\u000000", 257);
    header.write("        ", 148);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${octal(sum, 7)}\0 `, 148);
    return [header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}
