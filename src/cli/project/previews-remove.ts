import { Problem } from "../../problem/problem.ts";
import { askFirst } from "../../run/confirmation.ts";
import { listPreviews, type Preview } from "../../sites/previews/list.ts";
import { lineOf } from "../../text/lines.ts";
import { command } from "../command.ts";
import { confirmationFlags, editFlags } from "../flags.ts";
import { run } from "../run.ts";
import { settleCertificates } from "./preview-certificates.ts";
import { previewNameOf } from "./preview-flags.ts";
import { removedPart } from "./preview-part.ts";
import { removePreviews, settleTimer } from "./preview-removal.ts";
import { slugArgument, slugOf } from "./record.ts";

export default command({
  meta: {
    name: "remove",
    description: "Remove a preview of a project",
    long: [
      "Its address answers with 404 at once, and its files are deleted.",
      "The live site is not changed.",
      "A preview that does not exist is an error.",
    ],
    examples: [
      "sudo edox-ops project previews remove docs fix-7",
      "sudo edox-ops project previews remove docs fix-7 --yes",
    ],
  },
  args: {
    ...slugArgument,
    name: { type: "positional", completes: "preview", description: "Name of the preview" },
    ...confirmationFlags,
    ...editFlags,
  },
  async run(values, context) {
    const trees = await context.trees();
    const [slug, name] = [slugOf(values), previewNameOf(values.name, "preview")];
    return run(values, context, async (session) => {
      const { host, options } = session;
      if (!options.dryRun) session.demandRoot();
      const find = (): Preview[] => {
        const found = listPreviews(host, trees, slug).filter((preview) => preview.name === name);
        if (found.length > 0) return found;
        const hint = ["sudo", "edox-ops", "project", "previews", "list", slug];
        throw new Problem("not-found", `${slug} has no preview ${name}`, { hint });
      };
      find();
      const demandSame = await askFirst(session, () => `Remove preview ${name} of ${slug}?`);
      const removed = await removePreviews(session, { slug, trees, find, demandSame });
      const parts = removed.map((preview) => removedPart(preview, slug));
      session.include({ previews: parts });
      session.say(lineOf`${options.dryRun ? "Would remove" : "Removed"} preview ${name} of ${slug}.`);
      await settleCertificates(session, slug);
      await settleTimer(session, "project previews remove", { removed: parts });
    });
  },
});
