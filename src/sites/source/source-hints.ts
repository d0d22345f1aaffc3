// Hints for a source that cannot be published.

import { withFlag } from "../../text/with-flag.ts";
import type { DeployRequest } from "../deploy/plan.ts";

/** The source to survey, its names, and the command line for hints. */
export type SourceSelection = Pick<
  DeployRequest,
  "dir" | "name" | "of" | "select" | "archive" | "again" | "isRemote"
> & {
  /** The caller follows symlinks that lead out of the source, so they are not an error. */
  followsOut?: true;
};

/**
 * Returns the command that lists the top of the source; undefined for stdin. A dry run lists an archive, because a zip
 * needs a program that Debian does not install by default.
 */
export function hintToList({ name, archive, again = [] }: SourceSelection): string[] | undefined {
  if (archive === undefined) return ["ls", "-la", name];
  return archive === "-" ? undefined : [...again, "--allow-empty", "--dry-run", "--diff"];
}

/** Returns the command that packs a site again. The user has to fill in the directory. */
export function hintToPack(): string[] {
  return ["tar", "-C", "DIRECTORY", "-czf", "site.tar.gz", "."];
}

/** Returns the command that shows entries of the source, or that publishes an archive without the last of them. */
export function hintToLook(sought: SourceSelection, ...paths: string[]): readonly string[] | undefined {
  const { archive, again = [], select } = sought;
  if (archive !== undefined) {
    const excluded = [...(select?.exclude ?? []), paths.at(-1) ?? ""];
    return excluded.some((path) => path.includes(","))
      ? hintToPack()
      : withFlag(again, "--exclude", excluded.join(","));
  }
  return ["ls", "-ld", ...paths.map((path) => (path === "" ? sought.name : `${sought.name}/${path}`))];
}

/** Returns the command that publishes the target of a symlink outside of the source, or that shows the symlink. */
export function hintToFollow(sought: SourceSelection, path: string): readonly string[] | undefined {
  const { of, again } = sought;
  return of === "others" && again !== undefined ? [...again, "--dereference"] : hintToLook(sought, path);
}

/** Returns the command that shows the first path in a directory that reaches `longestPath`, in bytes. */
export function hintToMeasure(top: string, longestPath: number): string[] {
  return ["find", top, "-regextype", "posix-extended", "-regex", `.{${longestPath},}`, "-print", "-quit"];
}
