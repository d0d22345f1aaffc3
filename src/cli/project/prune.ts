// Runs a command that only removes files of a project.

import { askFirst } from "../../run/confirmation.ts";
import type { ResultParts } from "../../run/result.ts";
import type { Session, StepName } from "../../run/session.ts";
import { projectLockPath } from "../../sites/deploy/releases.ts";
import type { Values } from "../command.ts";
import type { Context } from "../context.ts";
import { run } from "../run.ts";

/** What is removed, or would be. */
export interface Removal {
  parts: ResultParts;
  count: number;
  /** The removed files that --diff lists, and the backups that they are part of. */
  files: { removed: string[]; pruned: string[] };
  /** The lines for a person. */
  lines: string[];
  warnings: string[];
}

interface Prune {
  step: StepName;
  slug: string;
  /** Lists what would be removed. */
  plan(): Removal;
  /** Returns the question about what `plan` lists. */
  question(planned: Removal): string;
  /** Removes it. */
  remove(): Removal;
}

/** Runs a command that only removes files. `open` returns the prune, and throws a Problem for an unknown project. */
export function runPrune(
  values: Values,
  context: Context,
  open: (session: Session) => Promise<Prune>,
): Promise<number> {
  return run(values, context, async (session) => {
    const { dryRun, diff } = session.options;
    if (!dryRun) session.demandRoot();
    const { step, slug, plan, question, remove } = await open(session);
    const demandSame = await askFirst(session, () => {
      const planned = plan();
      return planned.count === 0 ? null : question(planned);
    });
    if (!dryRun) await session.lock("project", projectLockPath(slug));
    await demandSame();
    const removal = await session.operation(step, dryRun ? plan : remove, ({ count, warnings }) => {
      return { outcome: count === 0 ? "ok" : dryRun ? "pending" : "changed", warnings };
    });
    const { removed, pruned } = removal.files;
    session.include({ ...removal.parts, ...(diff && { plan: { added: [], changed: [], removed, pruned } }) });
    session.say(...removal.lines);
  });
}
