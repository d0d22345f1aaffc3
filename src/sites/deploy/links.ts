// Resolves the symlinks of a tree by their targets alone, without the file system.

/** The kernel follows the same number, path_resolution(7). */
const mostLinks = 40;

/**
 * Returns the path in the tree that a path resolves to, or null where a symlink leads out of the tree. Each step is
 * resolved within the tree only. A dangling symlink resolves to its missing target, and a symlink in a loop resolves to
 * itself.
 */
export function endOf(link: string, links: ReadonlyMap<string, string>): string | null {
  const way = link.split("/");
  const here: string[] = [];
  let followed = 0;
  for (let step = way.shift(); step !== undefined; step = way.shift()) {
    if (step === "" || step === ".") continue;
    if (step === "..") {
      if (here.pop() === undefined) return null;
      continue;
    }
    here.push(step);
    const target = links.get(here.join("/"));
    if (target === undefined) continue;
    if (target.startsWith("/")) return null;
    if (++followed > mostLinks) return link;
    here.pop();
    way.unshift(...target.split("/"));
  }
  return here.join("/");
}
