// What is recorded about a preview in a file beside its tree. It is written before the tree is live, so that a killed
// deploy leaves no tree without an expiry.

import * as v from "valibot";
import type { Host, HostReader } from "../../host/host.ts";
import { Problem } from "../../problem/problem.ts";
import { regularFile } from "../../problem/regular-file.ts";
import { parseJson } from "../../text/json.ts";
import { branch } from "../project.ts";
import { metadataPathOf } from "./names.ts";

const time = v.pipe(
  v.string(),
  v.check((text) => /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(text) && !Number.isNaN(Date.parse(text)), "it is not a time"),
);

const metadataSchema = v.object({
  /** When it was first deployed. */
  created: time,
  /** When a prune removes it; null for never. */
  expires: v.nullable(time),
  /** The branch that it was built from, if the deploy named one. */
  branch: v.nullable(branch),
  /** The name of the deploy key that it was deployed with, or null. */
  key: v.nullable(v.string()),
});

export type PreviewMetadata = v.InferOutput<typeof metadataSchema>;

/**
 * Returns the metadata of a preview, or null if its file is missing. Throws a Problem for an invalid file, and
 * UnknownStateError where only root may read it.
 */
export function readMetadata(reader: HostReader, slug: string, name: string): PreviewMetadata | null {
  const path = metadataPathOf(slug, name);
  const bytes = regularFile(reader, path);
  if (bytes === null) return null;
  const found = v.safeParse(metadataSchema, decode(bytes));
  if (found.success) return found.output;
  throw new Problem("invalid-config", `${path} is invalid, so that the expiry of the preview is unknown`);
}

function decode(bytes: Uint8Array): unknown {
  try {
    return parseJson(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

/** The content of a metadata file, valid or not; null if there is none. */
type Content = Uint8Array | null;

/** Writes the metadata, durably, and returns a function that restores the previous content. */
export function writeMetadata(host: Host, slug: string, name: string, metadata: PreviewMetadata): () => void {
  const path = metadataPathOf(slug, name);
  const write = (content: Content): void => {
    if (content === null) host.remove(path);
    else host.writeFile(path, content, { mode: 0o600, uid: host.uid, gid: host.uid });
  };
  const before: Content = host.stat(path) === null ? null : regularFile(host, path);
  write(new TextEncoder().encode(`${JSON.stringify(metadata, null, 2)}\n`));
  return () => write(before);
}
