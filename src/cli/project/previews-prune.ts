import { Problem } from "../../problem/problem.ts";
import { askFirst } from "../../run/confirmation.ts";
import { listPreviews, type Preview, prunablePreviews, slugsWithPreviews } from "../../sites/previews/list.ts";
import { theRecord } from "../../sites/store.ts";
import { countOf, lineOf } from "../../text/lines.ts";
import { command } from "../command.ts";
import { confirmationFlags, pruneFlags } from "../flags.ts";
import { run } from "../run.ts";
import { settleCertificates } from "./preview-certificates.ts";
import { type PreviewPart, removedPart } from "./preview-part.ts";
import { removePreviews, settleTimer } from "./preview-removal.ts";
import { slugArgument, slugOf } from "./record.ts";

export default command({
  meta: {
    name: "prune",
    description: "Remove expired previews",
    long: [
      "Without a project it removes the expired previews of all projects, as the timer of edox-ops does every hour.",
      "It also completes what an interrupted deploy or removal left.",
      "A preview whose expiry is unknown stays, with a warning.",
    ],
    examples: ["sudo edox-ops project previews prune --dry-run", "sudo edox-ops project previews prune docs"],
  },
  args: {
    slug: { ...slugArgument.slug, required: false },
    ...confirmationFlags,
    ...pruneFlags,
  },
  async run(values, context) {
    const trees = await context.trees();
    const typed = values.slug === undefined ? null : slugOf(values);
    return run(values, context, async (session) => {
      const { host, options } = session;
      if (!options.dryRun) session.demandRoot();
      const slugs = slugsWithPreviews(host).filter((slug) => typed === null || slug === typed);
      if (typed !== null && slugs.length === 0) await theRecord(host, typed);
      const expired = (slug: string): Preview[] => prunablePreviews(host, trees, slug);
      const demandSame = await askFirst(session, () => {
        const count = slugs.reduce((sum, slug) => sum + expired(slug).length, 0);
        return count === 0 ? null : `Remove ${countOf(count, "expired preview")}?`;
      });
      await demandSame();
      const removed: PreviewPart[] = [];
      for (const slug of slugs) {
        try {
          for (const { fault } of listPreviews(host, trees, slug)) if (fault !== null) await session.warn(fault);
          // Without anything to do, a deploy that holds the lock is not waited for.
          if (expired(slug).length === 0) continue;
          const found = await removePreviews(session, { slug, trees, find: () => expired(slug) });
          removed.push(...found.map((preview) => removedPart(preview, slug)));
        } catch (error) {
          const { code, message } = Problem.of(error);
          if (code === "interrupted") throw error;
          // The other projects do not depend on this one, and the timer runs again.
          await session.warn(`the previews of ${slug} were not pruned: ${message}`);
        }
      }
      session.include({ previews: removed });
      const verb = options.dryRun ? "Would remove" : "Removed";
      session.say(...removed.map(({ project, name }) => lineOf`${verb} preview ${name} of ${project}.`));
      if (removed.length === 0) session.say("No expired previews.\n");
      await settleCertificates(session, typed);
      await settleTimer(session, "project previews prune", { removed, program: context.program });
    });
  },
});
