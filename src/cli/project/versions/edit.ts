// Runs a command that changes aliases or the default of versions.

import { convergeRecipe } from "../../../run/recipes.ts";
import type { Session } from "../../../run/session.ts";
import { projectLockPath } from "../../../sites/deploy/releases.ts";
import { type VersionsChange, versionsRecipe } from "../../../sites/versions/recipe.ts";
import { pendingRename, settleVersions } from "../../../sites/versions/trees.ts";
import type { Values } from "../../command.ts";
import type { Context } from "../../context.ts";
import { editWaitMs, run } from "../../run.ts";
import { versionNameOf } from "../version-flags.ts";

/** Returns a typed name of a version or an alias. Throws a usage Problem for an invalid one. */
export function nameIn(values: Values, argument: string): string {
  return versionNameOf(values[argument], argument);
}

/** Takes the lock of the project, and completes what a killed command left. */
export async function lockVersions(session: Session, context: Context, slug: string): Promise<void> {
  if (session.options.dryRun) return;
  session.demandRoot();
  await session.lock("project", projectLockPath(slug), editWaitMs);
  for (const each of await settleVersions(session.host, await context.trees(), slug)) await session.warn(each);
}

/** Applies a change of the versions with a recipe. Returns whether it succeeded. */
export function convergeVersions(
  session: Session,
  { command, done }: { command: string; done: string },
  change: VersionsChange,
): Promise<boolean> {
  const renamed = change.renamed ?? pendingRename(session.host, change.slug);
  const whole = { ...change, ...(renamed && { renamed }) };
  return convergeRecipe(session, (facts) => versionsRecipe(command, done, whole, facts), { lockWaitMs: editWaitMs });
}

/** Runs a command that is one change of aliases or of the default. */
export function editVersions(
  values: Values,
  context: Context,
  texts: { command: string; done: string },
  change: VersionsChange,
): Promise<number> {
  return run(values, context, async (session) => {
    await lockVersions(session, context, change.slug);
    await convergeVersions(session, texts, change);
    if (!session.options.dryRun) await settleVersions(session.host, await context.trees(), change.slug);
  });
}
