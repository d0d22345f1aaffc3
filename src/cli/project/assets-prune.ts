import { listKeptAssets, removeAssets } from "../../sites/deploy/assets.ts";
import { keptAssetsOf } from "../../sites/deploy/releases.ts";
import { theProject } from "../../sites/store.ts";
import { countOf, lineOf } from "../../text/lines.ts";
import { sizeText } from "../../text/size.ts";
import { command } from "../command.ts";
import { confirmationFlags, pruneFlags } from "../flags.ts";
import { type Removal, runPrune } from "./prune.ts";
import { slugArgument, slugOf } from "./record.ts";

export default command({
  meta: {
    name: "prune",
    description: "Remove hashed files of earlier releases",
    long: [
      "Only the files of the live release stay reachable.",
      "Use it if an earlier release published something by mistake.",
    ],
    examples: ["sudo edox-ops project assets prune docs --dry-run", "sudo edox-ops project assets prune docs"],
  },
  args: {
    ...slugArgument,
    ...confirmationFlags,
    ...pruneFlags,
  },
  async run(values, context) {
    const trees = await context.trees();
    const typedSlug = slugOf(values);
    return runPrune(values, context, async ({ host }) => {
      const { slug } = await theProject(host, typedSlug);
      const removal = (verb: string): Removal => {
        const assets = listKeptAssets(trees, keptAssetsOf(slug));
        const lines = assets.map(({ path }) => lineOf`${verb} ${path}`);
        return {
          parts: { assets },
          count: assets.length,
          files: { removed: assets.map(({ path }) => path), pruned: [] },
          lines: lines.length > 0 ? lines : [lineOf`No files of earlier releases for ${slug}.`],
          warnings: [],
        };
      };
      return {
        step: { id: "project.assets.prune", title: `only the live release of ${slug} is reachable` },
        slug,
        plan: () => removal("Would remove"),
        question: ({ parts: { assets = [] } }) => {
          const bytes = assets.reduce((sum, each) => sum + each.bytes, 0);
          return `Delete ${countOf(assets.length, "file")} of earlier releases of ${slug} (${sizeText(bytes)})?`;
        },
        remove() {
          const removed = removal("Removed");
          if (removed.count > 0) removeAssets(trees, slug);
          return removed;
        },
      };
    });
  },
});
