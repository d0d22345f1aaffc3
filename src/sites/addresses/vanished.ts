// Finds the addresses of the live site that a deploy would remove.

import type { Trees } from "../../host/trees.ts";
import { nameOf } from "../../text/path.ts";
import type { DeployRequest, Plan } from "../deploy/plan.ts";
import { addressOf, formsOf, written } from "./address.ts";
import { MovedAddresses } from "./moved.ts";
import { ServedTree } from "./served-tree.ts";

/** An address without an answer in the new tree, as a URL has it. `moved_to`: where its file seems to be now, or null. */
export interface VanishedAddress {
  address: string;
  moved_to: string | null;
}

/**
 * Returns the addresses of removed files that lead nowhere in the new tree, sorted. `isRedirected`: whether an address
 * has another answer, such as a redirect. No unchanged file is read.
 */
export async function vanishedAddresses(
  trees: Trees,
  { dir, live, target }: Pick<DeployRequest, "dir" | "live" | "target">,
  planned: Pick<Plan, "added" | "removed" | "source" | "digests">,
  isRedirected: (address: string) => boolean,
): Promise<VanishedAddress[]> {
  const { source, added, removed } = planned;
  const tree = new ServedTree(source.entries, source.links);
  const prefix = target.kind === "version" ? `/${nameOf(target.root)}` : "";
  /** The path of the removed file, by the first form of its address. */
  const gone = new Map<string, { address: string; path: string }>();
  for (const path of removed) {
    const isFolder = isFolderLink(path);
    const address = isFolder ? `/${path}/` : addressOf(path);
    if (address === null) continue;
    const forms = formsOf(isFolder ? `${path}/index.html` : path);
    const [form = address] = forms;
    if (gone.has(form) || forms.some((each) => tree.fileOf(each) !== null || isRedirected(prefix + each))) continue;
    gone.set(form, { address, path });
  }
  if (gone.size === 0) return [];
  const moved = await MovedAddresses.among(trees, {
    dir,
    live,
    added,
    gone: [...gone.values()],
    seeds: planned.digests.seeds,
  });
  return [...gone.values()]
    .map(({ address, path }) => {
      const to = moved.of(path, address);
      return { address: written(prefix + address), moved_to: to === null ? null : written(prefix + to) };
    })
    .sort((a, b) => (a.address < b.address ? -1 : 1));

  /** Returns whether a removed entry is a symlink to a directory, such as `latest`, by its name without an extension. */
  function isFolderLink(path: string): boolean {
    return !/\.[^/]*$/.test(path) && trees.entry(`${live}/${path}`)?.type === "link";
  }
}
