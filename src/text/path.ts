// Splits paths. A path without a slash is a name in the current directory.

/** Returns the path of the directory that contains a path: "/a" for "/a/b", "/" for "/a", and "" for "a". */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash === 0 ? "/" : path.slice(0, Math.max(0, slash));
}

/** Returns the last component of a path. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
