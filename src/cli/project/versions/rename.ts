import { gatherFacts } from "../../../engine/facts.ts";
import { snapshot } from "../../../engine/snapshot.ts";
import { checkRequirements } from "../../../run/requirements.ts";
import type { Session } from "../../../run/session.ts";
import { type VersionsChange, versionsRecipe } from "../../../sites/versions/recipe.ts";
import { pendingRename, renameVersion, settleVersions } from "../../../sites/versions/trees.ts";
import { noVersion, readVersions } from "../../../sites/versions/versions.ts";
import { command } from "../../command.ts";
import type { Context } from "../../context.ts";
import { editFlags } from "../../flags.ts";
import { run } from "../../run.ts";
import { slugArgument, slugOf } from "../record.ts";
import { convergeVersions, lockVersions, nameIn } from "./edit.ts";

export default command({
  meta: {
    name: "rename",
    description: "Change the name of a version; keeps its aliases and backups",
    long: [
      "The version is served at its new address, and no longer at the old one.",
      "Its aliases, its title and its backups stay.",
    ],
    examples: ["sudo edox-ops project versions rename docs 2.0-rc1 2.0"],
  },
  args: {
    ...slugArgument,
    version: { type: "positional", completes: "version", description: "The version to rename" },
    name: { type: "positional", description: "Its new name" },
    ...editFlags,
  },
  async run(values, context) {
    const slug = slugOf(values);
    const [from, to] = [nameIn(values, "version"), nameIn(values, "name")];
    return run(values, context, async (session) => {
      const pending = pendingRename(session.host, slug);
      await lockVersions(session, context, slug);
      const isCompleted = pending?.from === from && pending.to === to && !session.options.dryRun;
      await rename(session, context, { slug, renamed: { from, to } }, isCompleted);
    });
  },
});

/** Moves the trees before the recipe, and back if it fails. `isMoved`: they are those of a killed run. */
async function rename(
  session: Session,
  context: Context,
  change: Required<Pick<VersionsChange, "slug" | "renamed">>,
  isMoved: boolean,
): Promise<void> {
  const { slug, renamed } = change;
  const { from, to } = renamed;
  const { host, options } = session;
  const trees = await context.trees();
  const texts = { command: `project versions rename ${slug} ${from} ${to}`, done: `Version ${from} is ${to}.` };
  const reader = snapshot(host);
  await checkRequirements(reader, versionsRecipe(texts.command, texts.done, change, gatherFacts(reader)), null);
  if (!isMoved && !readVersions(host, slug).versions.some(({ name }) => name === from)) throw noVersion(slug, from);
  await session.operation(
    { id: "project.versions.rename", title: `version ${from} of ${slug} is ${to}` },
    async () => (options.dryRun || isMoved ? undefined : renameVersion(host, trees, slug, renamed)),
    () => ({ outcome: options.dryRun ? "pending" : "changed", warnings: [] }),
  );
  const goBack = async (): Promise<void> => {
    if (!options.dryRun && !isMoved) await renameVersion(host, trees, slug, { from: to, to: from });
  };
  const isDone = await convergeVersions(session, texts, change).catch(async (error) => {
    await goBack();
    throw error;
  });
  if (!isDone) await goBack();
  if (!options.dryRun) await settleVersions(host, trees, slug);
}
