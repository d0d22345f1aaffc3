// What to type where a source cannot be published.

import { withFlag } from "../engine/with-flag.ts";
import type { Order } from "./plan.ts";

/** What is looked at, by which names, and the command that was typed for it. */
export type Sought = Pick<Order, "dir" | "name" | "of" | "select" | "archive" | "again"> & {
  /** Links that lead out of it are followed by the caller: they are no fault. */
  followsOut?: true;
};

/**
 * Returns the command that shows what is at the top of it; none for what came on stdin. An archive is listed by a dry run: a
 * zip needs a program that Debian does not install by itself.
 */
export function hintToList({ name, archive, again = [] }: Sought): string[] | undefined {
  if (archive === undefined) return ["ls", "-la", name];
  return archive === "-" ? undefined : [...again, "--allow-empty", "--dry-run", "--diff"];
}

/** Returns the command that packs a site anew, from the directory that only its owner knows. */
export function hintToPack(): string[] {
  return ["tar", "-C", "DIRECTORY", "-czf", "site.tar.gz", "."];
}

/** Returns the command that shows entries of it, or publishes an archive without the last of them. */
export function hintToLook(sought: Sought, ...paths: string[]): readonly string[] | undefined {
  const { archive, again = [], select } = sought;
  if (archive !== undefined) {
    const excluded = [...(select?.exclude ?? []), paths.at(-1) ?? ""];
    return excluded.some((path) => path.includes(","))
      ? hintToPack()
      : withFlag(again, "--exclude", excluded.join(","));
  }
  return ["ls", "-ld", ...paths.map((path) => (path === "" ? sought.name : `${sought.name}/${path}`))];
}

/** Returns the command that publishes what a link leads to outside of the source, or shows the link. */
export function hintToFollow(sought: Sought, path: string): readonly string[] | undefined {
  const { of, again } = sought;
  return of === "others" && again !== undefined ? [...again, "--dereference"] : hintToLook(sought, path);
}

/** Returns the command that shows the first path in a directory that is too long: so many bytes. */
export function hintToMeasure(top: string, longestPath: number): string[] {
  return ["find", top, "-regextype", "posix-extended", "-regex", `.{${longestPath},}`, "-print", "-quit"];
}
