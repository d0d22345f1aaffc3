// What to type where a source cannot be published.

import type { Order } from "./plan.ts";

/** What is looked at, by which names, and the command that was typed for it. */
export type Sought = Pick<Order, "dir" | "name" | "of" | "select" | "archive" | "again"> & {
  /** Links that lead out of it are followed by the caller: they are no fault. */
  followsOut?: true;
};

/** Returns the command that shows what is at the top of it; none for what came on stdin. */
export function hintToList({ name, archive }: Sought): string[] | undefined {
  if (archive === undefined) return ["ls", "-la", name];
  return archive === "-" ? undefined : hintToListArchive(archive);
}

/** Returns the command that lists what is in an archive. */
export function hintToListArchive(path: string): string[] {
  return /\.zip$/i.test(path) ? ["unzip", "-l", path] : ["tar", "-tvf", path];
}

/** Returns the command that shows entries of it, or all where it was an archive. */
export function hintToLook(sought: Sought, ...paths: string[]): string[] | undefined {
  if (sought.archive !== undefined) return hintToList(sought);
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
