// Where the links of a tree lead, told by their targets alone.

/** As many as the kernel follows, path_resolution(7). */
const mostLinks = 40;

/**
 * Returns the path in the tree that a path leads to, or null for one that leads out of the tree, wherever that lies: each
 * step is looked up within the tree, and nothing beside it. One to nothing shows nothing; one in a circle ends at itself.
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
