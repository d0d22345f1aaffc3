// The rules of a release: checked and loaded before its tree is live, and restored if that fails.

import type { Watch } from "../../engine/converge.ts";
import { gatherFacts } from "../../engine/facts.ts";
import { lockPath } from "../../engine/paths.ts";
import type { Trees } from "../../host/trees.ts";
import { recoverFirst } from "../../run/recovery.ts";
import type { Session } from "../../run/session.ts";
import type { DeployRequest } from "../../sites/deploy/plan.ts";
import type { Project } from "../../sites/project.ts";
import type { Checked } from "../../sites/rules/activate.ts";
import { mayHaveLoaded } from "../../sites/rules/resources.ts";
import { hasRules, ruleFilesIn } from "../../sites/rules/tree-rules.ts";
import { editWaitMs } from "../run.ts";

/** The number of rules of a site. */
export interface RuleCounts {
  redirects: number;
  headers: number;
}

/** The part of a deploy that prepares the rules, and what it found. */
interface RulesOfRelease {
  prepare: NonNullable<DeployRequest["prepare"]>;
  /** null before {@link prepare}, and for a tree that is not the site's. */
  counts: RuleCounts | null;
  notes: string[];
}

/** How a release changes nginx. */
interface Surroundings {
  session: Session;
  trees: Trees;
  /** Whether the run holds the host's lock, and writes the site after the tree. */
  publishes: boolean;
  waitMs: number;
  watch: Watch;
}

/** Returns what prepares the rules of a release. Only the site of a project has rules. */
export function rulesOfRelease(request: DeployRequest, around: Surroundings): RulesOfRelease {
  const { target, live, prepare } = request;
  const { host } = around.session;
  const isSite = target.kind === "site";
  const release: RulesOfRelease = {
    counts: null,
    notes: [],
    async prepare(tree, planned) {
      const undoOther = (await prepare?.(tree, planned)) ?? (async () => {});
      // Another process cannot use the name in an open directory.
      const dir = tree === live ? target.root : tree;
      if (!isSite) {
        const files = ruleFilesIn(host, dir);
        if (files.length > 0) {
          const have = files.length === 1 ? "has" : "have";
          release.notes.push(`${files.join(" and ")} ${have} no effect here: only the rules of the site itself apply`);
        }
        return undoOther;
      }
      const { counts, notes, undo } = await loadedRules({ ...request, tree: dir }, around);
      release.counts = counts;
      release.notes.push(...notes);
      return async () => {
        await undo();
        await undoOther();
      };
    },
  };
  return release;
}

/**
 * Loads the rules of the live tree where nginx has others: a deploy may have been killed before its tree was live. Returns
 * warnings.
 */
export async function loadLiveRules(project: Project, around: Surroundings): Promise<string[]> {
  const { again } = around.session;
  return (await loadedRules({ project, tree: project.root_path, again, ignoresRefusedRules: true }, around)).notes;
}

/** Checks the rules of a tree and loads them into nginx if it has others. `undo` restores what it had. */
async function loadedRules(
  checked: Checked,
  { session, trees, publishes, waitMs, watch }: Surroundings,
): Promise<{ counts: RuleCounts; notes: string[]; undo: () => Promise<void> }> {
  const { host, stop, again } = session;
  const { project, tree } = checked;
  const undo = async () => {};
  const isWithout = !hasRules(host, tree) && !hasRules(host, project.root_path);
  if (isWithout && !mayHaveLoaded(host, project.slug)) return { counts: { redirects: 0, headers: 0 }, notes: [], undo };
  const { checkedRules, loadRules, needsLoading } = await import("../../sites/rules/activate.ts");
  const found = await checkedRules(host, trees, checked, true);
  const facts = gatherFacts(host);
  if (!needsLoading(host, { project, found, facts })) return { ...found, undo };
  if (!publishes) {
    await session.lock("host", lockPath, Math.max(editWaitMs, waitMs));
    await recoverFirst(host, (sentence) => session.warn(sentence), stop);
  }
  return { ...found, undo: await loadRules(host, { project, found, facts }, { stop, again, watch }) };
}
