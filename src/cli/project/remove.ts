import * as v from "valibot";
import type { Facts } from "../../engine/facts.ts";
import type { StepResult } from "../../engine/step.ts";
import { Problem } from "../../problem/problem.ts";
import type { TreeSize } from "../../sites/deletion.ts";
import { slug as slugSchema } from "../../sites/project.ts";
import { countOf, lineOf } from "../../text/lines.ts";
import { usage } from "../arguments.ts";
import { command, type Values } from "../command.ts";
import { type Context, exitCode } from "../context.ts";
import { editFlags } from "../flags.ts";
import { demandRoot, edit, takeLock } from "../run.ts";
import type { ExtraParts } from "../teller.ts";
import { keyOf, slugArgument } from "./record.ts";

const flags = {
  "remove-nginx": { type: "boolean", description: "take its nginx site away too, as without a flag" },
  "delete-files": { type: "boolean", description: "take its files and backups away too: there is no way back" },
  yes: { type: "boolean", description: "do that" },
  "keep-nginx": { type: "boolean", description: "leave its nginx site in sites-available" },
} as const;

export default command({
  meta: { name: "remove", description: "forget a project; its files and backups stay" },
  args: { ...slugArgument, ...flags, ...editFlags },
  async run(values, context) {
    const { ownTree, theRecord } = await import("../../sites/store.ts");
    const { dirsOf } = await import("../../sites/deploy/releases.ts");
    const slug = await keyOf(values, context.host);
    if (values["keep-nginx"] && values["remove-nginx"]) {
      throw usage("--remove-nginx and --keep-nginx say the contrary of each other");
    }
    const deletes = values["delete-files"] === true;
    const looks = values["dry-run"] === true || values.check === true;
    if (deletes && !(values.yes || looks)) {
      // The hint never offers the deletion itself first: a dry run lists what would be deleted.
      const hint = ["sudo", "edox-ops", ...context.typed, "--dry-run"];
      throw new Problem("not-confirmed", `the files and backups of ${slug} would be gone for ever: say --yes`, {
        hint,
      });
    }
    const host = await context.host();
    if (!looks) demandRoot(host, context);
    await theRecord(host, slug);
    const tree = isSlug(slug) ? await ownTree(host, slug) : null;
    if (deletes && tree === null) {
      const message = `project ${slug} has no directory that is its alone: its files and backups are not deleted`;
      const hint = ["sudo", "edox-ops", ...context.typed.filter((word) => word !== "--delete-files")];
      throw new Problem("conflict", message, { hint });
    }
    const dirs = isSlug(slug) ? dirsOf(slug, tree) : [];
    if (deletes) return (looks ? planRemoval : removeWithFiles)(slug, dirs, values, context);
    const there = dirs.filter((dir) => host.stat(dir) !== null);
    const exit = await forget(slug, values, context);
    if (looks || exit !== exitCode.done || values.quiet || values.json) return exit;
    await context.console.out(there.map((dir) => lineOf`Left ${dir}`).join(""));
    return exit;
  },
});

const isSlug = (key: string): boolean => v.is(slugSchema, key);

async function forget(slug: string, values: Values, context: Context, also?: ExtraParts): Promise<number> {
  const { forgetRecord, removeProject } = await import("../../sites/recipe.ts");
  const keeps = values["keep-nginx"] === true;
  const recipe = (facts: Facts) => (isSlug(slug) ? removeProject(slug, keeps, facts) : forgetRecord(slug));
  return edit(recipe, values, context, also);
}

async function planRemoval(slug: string, dirs: string[], values: Values, context: Context): Promise<number> {
  const { planDeletion } = await import("../../sites/deletion.ts");
  const sizes = planDeletion(await context.trees(), slug, dirs);
  const exit = await forget(slug, values, context, { trees: sizes });
  await print("Would delete", sizes, values, context);
  return exit;
}

/**
 * Disables the site first and removes the record last. If the command is killed or fails in between, running it again
 * completes it.
 */
async function removeWithFiles(slug: string, dirs: string[], values: Values, context: Context): Promise<number> {
  const { deleteTrees, planDeletion } = await import("../../sites/deletion.ts");
  const { disableProject } = await import("../../sites/recipe.ts");
  const { projectLockPath } = await import("../../sites/deploy/releases.ts");
  const [host, trees] = [await context.host(), await context.trees()];
  // A running deploy would create the deleted files again.
  const lock = await takeLock(host, projectLockPath(slug), ["sudo", "edox-ops", ...context.typed]);
  try {
    const sizes = planDeletion(trees, slug, dirs);
    const earlier: StepResult[] = [];
    const collect = (results: readonly StepResult[]) => earlier.push(...results);
    const first = await printIfFailed(
      (held) => edit((facts) => disableProject(slug, facts), values, held, {}, collect),
      context,
    );
    if (first !== exitCode.done) return first;
    deleteTrees(trees, slug, dirs);
    const last = await forget(slug, values, context, { trees: sizes, earlier });
    await print("Deleted", sizes, values, context);
    return last;
  } finally {
    lock.release();
  }
}

/** Prints the output of a run on stdout only if the run failed, because a second run then does not follow. */
async function printIfFailed(run: (held: Context) => Promise<number>, context: Context): Promise<number> {
  let text = "";
  const console = {
    ...context.console,
    async out(more: string) {
      text += more;
    },
  };
  const exit = await run({ ...context, console });
  if (exit !== exitCode.done) await context.console.out(text);
  return exit;
}

async function print(verb: string, sizes: readonly TreeSize[], values: Values, { console }: Context): Promise<void> {
  if (values.quiet || values.json) return;
  await console.out(
    sizes
      .map(({ path, files, bytes }) => lineOf`${verb} ${path}: ${countOf(files, "file")}, ${countOf(bytes, "byte")}`)
      .join(""),
  );
}
