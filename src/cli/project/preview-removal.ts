// Removes previews in a session, and the timer with the last one.

import type { Trees } from "../../host/trees.ts";
import { convergeRecipe } from "../../run/recipes.ts";
import type { Session } from "../../run/session.ts";
import { projectLockPath } from "../../sites/deploy/releases.ts";
import { hasPreviews, type Preview } from "../../sites/previews/list.ts";
import { removePreview } from "../../sites/previews/removal.ts";
import { hasTimer, timerChanges, timerRecipe, timerRemovalRecipe } from "../../sites/previews/timer.ts";
import { countOf } from "../../text/lines.ts";
import { editWaitMs } from "../run.ts";
import type { PreviewPart } from "./preview-part.ts";

interface PreviewRemoval {
  slug: string;
  trees: Trees;
  /** Returns what is removed. It is called again under the lock. */
  find(): Preview[];
  demandSame?(): Promise<void>;
}

/** Removes previews of one project under its lock, or plans that in a dry run. Returns them. */
export async function removePreviews(
  session: Session,
  { slug, trees, find, demandSame }: PreviewRemoval,
): Promise<Preview[]> {
  const { host, options } = session;
  const release = options.dryRun ? () => {} : await session.lock("project", projectLockPath(slug), editWaitMs);
  try {
    await demandSame?.();
    const found = find();
    const title = `${countOf(found.length, "preview")} of ${slug} ${found.length === 1 ? "is" : "are"} removed`;
    return await session.operation(
      { id: "project.previews.remove", title },
      () => {
        if (!options.dryRun) for (const { name } of found) removePreview(host, trees, slug, name);
        return found;
      },
      () => ({ outcome: found.length === 0 ? "ok" : options.dryRun ? "pending" : "changed", warnings: [] }),
    );
  } finally {
    release();
  }
}

/**
 * Removes the timer if this host has no previews except `removed`, which a dry run has not removed. With `program`, the
 * path of this program, the timer is repaired otherwise.
 */
export async function settleTimer(
  session: Session,
  command: string,
  { removed, program }: { removed: readonly PreviewPart[]; program?: string },
): Promise<void> {
  const { host } = session;
  const isRemoved = (slug: string, name: string): boolean =>
    removed.some((each) => each.project === slug && each.name === name);
  const terms = { lockWaitMs: editWaitMs };
  if (hasPreviews(host, isRemoved)) {
    if (program === undefined || (await timerChanges(host, program)).length === 0) return;
    await convergeRecipe(session, () => timerRecipe(command, program), terms);
  } else if (hasTimer(host)) await convergeRecipe(session, () => timerRemovalRecipe(command), terms);
}
