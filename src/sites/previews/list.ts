// The previews of a project, as they are on the disk.

import * as v from "valibot";
import { type HostReader, UnknownStateError } from "../../host/host.ts";
import type { Trees } from "../../host/trees.ts";
import { Problem } from "../../problem/problem.ts";
import { backupsOf, secondsOf, stampOf } from "../deploy/releases.ts";
import { previewsDir } from "../paths.ts";
import { slug as slugSchema } from "../project.ts";
import { previewTarget } from "../target.ts";
import { type PreviewMetadata, readMetadata } from "./metadata.ts";
import { isPreviewName } from "./names.ts";
import { previewNames } from "./present.ts";

export interface Preview {
  name: string;
  /** The path of its tree. */
  path: string;
  /** Whether it has a tree. A deploy that was killed early leaves only metadata. */
  hasTree: boolean;
  /** When the tree was deployed, in Unix milliseconds; null if another program made it. */
  deployedMs: number | null;
  /** null if the file is missing or invalid: {@link fault} is the reason then. */
  metadata: PreviewMetadata | null;
  fault: string | null;
}

/** Returns all previews of a project by name. Metadata with a fault affects only its own preview. */
export function listPreviews(reader: HostReader, trees: Trees, slug: string): Preview[] {
  return previewNames(reader, slug).map((name) => {
    const path = previewTarget(slug, name).root;
    const hasTree = trees.entry(path)?.type === "directory";
    const stamp = hasTree ? stampOf(trees, path) : null;
    const deployedMs = stamp === null ? null : secondsOf(stamp) * 1000;
    return { name, path, hasTree, deployedMs, ...metadataOf(reader, slug, name) };
  });
}

function metadataOf(reader: HostReader, slug: string, name: string): Pick<Preview, "metadata" | "fault"> {
  try {
    const metadata = readMetadata(reader, slug, name);
    return { metadata, fault: metadata === null ? `preview ${name} of ${slug} has no known expiry` : null };
  } catch (error) {
    if (error instanceof UnknownStateError) throw error;
    return { metadata: null, fault: Problem.of(error).message };
  }
}

/** Returns the branch that a preview was built from; null if that is not known to this user. */
export function branchOf(reader: HostReader, slug: string, name: string): string | null {
  try {
    return readMetadata(reader, slug, name)?.branch ?? null;
  } catch {
    return null;
  }
}

/** Returns when a preview expires, in Unix milliseconds; null for never, and for an unknown expiry. */
export function expiresMsOf({ metadata }: Pick<Preview, "metadata">): number | null {
  return metadata?.expires == null ? null : Date.parse(metadata.expires);
}

/** Returns whether a prune removes the preview: it has expired, or a deploy was killed before it had a tree. */
function isExpired(preview: Preview, nowMs: number): boolean {
  if (!preview.hasTree) return true;
  const expiresMs = expiresMsOf(preview);
  return expiresMs !== null && expiresMs <= nowMs;
}

/**
 * Returns what a prune removes: expired previews, and the working files of a deploy that was killed before it had
 * recorded its preview.
 */
export function prunablePreviews(reader: HostReader, trees: Trees, slug: string): Preview[] {
  const now = reader.now();
  const all = listPreviews(reader, trees, slug);
  const names = all.map(({ name }) => name);
  const working = (reader.list(backupsOf(`${slug}/previews`)) ?? []).filter((name) => !names.includes(name));
  const left = working.filter(isPreviewName).map((name): Preview => {
    return {
      name,
      path: previewTarget(slug, name).root,
      hasTree: false,
      deployedMs: null,
      metadata: null,
      fault: null,
    };
  });
  return [...all.filter((preview) => isExpired(preview, now)), ...left];
}

/** The size of a preview. A file with several names in it counts once. */
export interface PreviewSize {
  /** Bytes of all files. */
  bytes: number;
  /** Bytes of the files that the live release does not share. */
  ownBytes: number;
}

/** Returns the inodes of the files of a tree; none if it does not exist. */
export function inodesOf(trees: Trees, dir: string): Set<number | bigint> {
  const inodes = new Set<number | bigint>();
  if (trees.entry(dir) !== null) for (const { type, inode } of trees.walk(dir)) if (type === "file") inodes.add(inode);
  return inodes;
}

/** The time is compared once for this many entries. */
const entriesACheck = 256;

/**
 * Measures a tree. `live`: the inodes of the live release. Returns null for a tree that cannot be read, and when
 * `isLate` returns true.
 */
export function measurePreview(
  trees: Trees,
  dir: string,
  live: ReadonlySet<number | bigint>,
  isLate: () => boolean,
): PreviewSize | null {
  const size = { bytes: 0, ownBytes: 0 };
  const counted = new Set<number | bigint>();
  let entries = 0;
  try {
    for (const entry of trees.walk(dir)) {
      entries += 1;
      if (entries % entriesACheck === 1 && isLate()) return null;
      if (entry.type !== "file" || counted.has(entry.inode)) continue;
      counted.add(entry.inode);
      size.bytes += entry.size;
      if (!live.has(entry.inode)) size.ownBytes += entry.size;
    }
    return size;
  } catch {
    return null;
  }
}

/** Returns the projects that have a directory of previews, registered or not. */
export function slugsWithPreviews(reader: HostReader): string[] {
  return (reader.list(previewsDir) ?? []).filter((name) => v.is(slugSchema, name));
}

/** Returns whether this host has any preview, except those that `isRemoved` names. */
export function hasPreviews(
  reader: HostReader,
  isRemoved: (slug: string, name: string) => boolean = () => false,
): boolean {
  return slugsWithPreviews(reader).some((slug) => previewNames(reader, slug).some((name) => !isRemoved(slug, name)));
}
