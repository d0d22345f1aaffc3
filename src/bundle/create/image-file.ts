// A container image in a file of `docker save` or skopeo. The file is foreign: it is read by position, and only its list
// of images and their configurations are parsed.

import * as v from "valibot";
import { utf8 } from "../../host/archive/entry-name.ts";
import { blockBytes, tarHeader } from "../../host/archive/tar-header.ts";
import type { HostReader, LargeFile } from "../../host/host.ts";
import { RejectedArchive } from "../../host/trees.ts";
import { Problem } from "../../problem/problem.ts";
import { parseJson } from "../../text/json.ts";

/** An image with the digest of its configuration, which every store of Docker keeps. */
export interface SavedImage {
  reference: string;
  /** "sha256:" and hexadecimal digits. */
  config: string;
  /** Unix seconds at which it was made; null if it says none. */
  seconds: number | null;
}

const mostEntries = 100_000;
const mostJsonBytes = 8 * 1024 * 1024;
const listSchema = v.pipe(
  v.array(
    v.object({
      Config: v.pipe(v.string(), v.regex(/^[\w./-]{1,255}$/)),
      RepoTags: v.nullish(v.array(v.pipe(v.string(), v.regex(/^[a-z0-9][\w./:@-]{0,254}$/)))),
    }),
  ),
  v.minLength(1),
  v.maxLength(100),
);
const configSchema = v.object({ architecture: v.string(), created: v.optional(v.string()) });

/** Returns the images of a file. Throws a Problem if it holds none, or one for another architecture. */
export function savedImages(reader: HostReader, path: string, architecture: string): SavedImage[] {
  const file = reader.openFile(path);
  if (file === null) throw new Problem("not-found", `no image file ${path}`);
  try {
    return imagesIn(file, path, architecture);
  } catch (error) {
    if (!(error instanceof RejectedArchive)) throw error;
    throw invalidImage(path, error.message);
  } finally {
    file.close();
  }
}

function imagesIn(file: LargeFile, path: string, architecture: string): SavedImage[] {
  if (file.read(0, 2).join() === "31,139") throw invalidImage(path, "it is compressed: unpack it with gunzip");
  const entries = entriesOf(file, path);
  const contentOf = (name: string): Uint8Array => {
    const entry = entries.get(name);
    if (entry === undefined) throw invalidImage(path, `it has no ${name}`);
    if (entry.size > mostJsonBytes) throw invalidImage(path, `its ${name} is larger than ${mostJsonBytes} bytes`);
    return file.read(entry.offset, entry.size);
  };
  const list = v.safeParse(listSchema, jsonOf(contentOf("manifest.json"), path));
  if (!list.success) throw invalidImage(path, "its manifest.json is not that of `docker save`");
  return list.output.flatMap(({ Config, RepoTags }) => {
    const bytes = contentOf(Config);
    const digest = new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
    if (!Config.includes(digest)) throw invalidImage(path, `its ${Config} does not have that checksum`);
    const config = v.safeParse(configSchema, jsonOf(bytes, path));
    if (!config.success) throw invalidImage(path, `its ${Config} is not the configuration of an image`);
    if (config.output.architecture !== architecture) {
      throw invalidImage(path, `it is for ${config.output.architecture}, and the bundle for ${architecture}`);
    }
    const [first] = RepoTags ?? [];
    if (first === undefined) throw invalidImage(path, "an image in it has no name: save it by its name and tag");
    const ms = Date.parse(config.output.created ?? "");
    const seconds = Number.isNaN(ms) ? null : Math.max(0, Math.floor(ms / 1000));
    return (RepoTags ?? []).map((reference) => ({ reference, config: `sha256:${digest}`, seconds }));
  });
}

/** Returns where the content of each entry is. */
function entriesOf(file: LargeFile, path: string): Map<string, { offset: number; size: number }> {
  const entries = new Map<string, { offset: number; size: number }>();
  for (let at = 0, count = 0; at + blockBytes <= file.size; count++) {
    if (count > mostEntries) throw invalidImage(path, `it has more than ${mostEntries} entries`);
    const header = tarHeader(file.read(at, blockBytes), at);
    if (header === null) break;
    const { name, type, size } = header;
    const offset = at + blockBytes;
    if (offset + size > file.size) throw invalidImage(path, "it is truncated");
    const key = utf8(name);
    if (key !== null && type === "0") {
      if (entries.has(key)) throw invalidImage(path, `it has ${key} twice`);
      entries.set(key, { offset, size });
    }
    at = offset + Math.ceil(size / blockBytes) * blockBytes;
  }
  return entries;
}

function jsonOf(bytes: Uint8Array, path: string): unknown {
  try {
    return parseJson(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw invalidImage(path, "its manifest.json or a configuration is no JSON document");
  }
}

function invalidImage(path: string, why: string): Problem {
  return new Problem("invalid-source", `the image file ${path} is refused: ${why}`);
}
