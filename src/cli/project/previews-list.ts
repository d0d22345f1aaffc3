import type { Trees } from "../../host/trees.ts";
import { inodesOf, listPreviews, measurePreview, type Preview } from "../../sites/previews/list.ts";
import { theProject } from "../../sites/store.ts";
import { oneLine } from "../../text/lines.ts";
import { command } from "../command.ts";
import { exitCode } from "../context.ts";
import { outputFlags } from "../flags.ts";
import { printFound } from "../view.ts";
import { type PreviewPart, previewPart } from "./preview-part.ts";
import { slugArgument, slugOf } from "./record.ts";

/** A person waits no longer for the sizes. */
const measuringMs = 2000;

export default command({
  meta: {
    name: "list",
    description: "List the previews of a project",
    long: [
      "Each preview is listed with its address, its age, when it expires, its size and its branch.",
      "The size is that of the files that differ from the live site, and that of all files.",
      "Files that do not differ take no space.",
    ],
    examples: ["sudo edox-ops project previews list docs", "sudo edox-ops project previews list docs --json"],
  },
  args: { ...slugArgument, json: outputFlags.json },
  async run(values, context) {
    const [host, trees] = [await context.host(), await context.trees()];
    const project = await theProject(host, slugOf(values));
    const all = listPreviews(host, trees, project.slug);
    const isAtTerminal = !values.json && context.console.width("out") !== null;
    const end = isAtTerminal ? host.now() + measuringMs : Number.POSITIVE_INFINITY;
    const sizeOf = measured(trees, project.root_path, () => host.now() > end);
    const previews: PreviewPart[] = all.map((preview) => previewPart(host, preview, project, sizeOf(preview)));
    const faults = all.flatMap(({ fault }) => fault ?? []);
    if (!values.json) for (const fault of faults) context.console.err(`warning: ${oneLine(fault)}\n`);
    return printFound(context, values.json, {
      document: { warnings: faults, previews },
      outcome: faults.length > 0 ? "failed" : "ok",
      exit: faults.length > 0 ? exitCode.failed : exitCode.done,
      async view(view) {
        const { previewsText } = await import("./previews-view.ts");
        return previewsText(project, previews, host.now(), view);
      },
      text() {
        const lines = previews.map(({ name, url, created, expires, own_bytes, bytes, branch, key }) => {
          const cells = [name, url, created, expires ?? "never", own_bytes, bytes, branch, key];
          return `${cells.map((cell) => oneLine(String(cell ?? "-"))).join("\t")}\n`;
        });
        return lines.join("") || `No previews of ${project.slug}.\n`;
      },
    });
  },
});

/** Returns a function that measures previews, and reads the live tree at most once. */
function measured(trees: Trees, root: string, isLate: () => boolean) {
  let live: Set<number | bigint> | undefined;
  return ({ path, hasTree }: Preview) => {
    if (!hasTree || isLate()) return null;
    live ??= inodesOf(trees, root);
    return measurePreview(trees, path, live, isLate);
  };
}
