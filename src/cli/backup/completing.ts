// What restored parts need on a host: packages, users and timers. The sites are served before that.

import { installedPackage } from "../../apt/dpkg.ts";
import type { Manifest } from "../../backup/contents.ts";
import type { Restorable } from "../../backup/fetched.ts";
import type { Restored } from "../../backup/restore.ts";
import type { RecipeFor } from "../../run/recipes.ts";
import type { Session } from "../../run/session.ts";
import { editWaitMs } from "../run.ts";

interface Completing {
  parts: readonly Restorable[];
  restored: Restored;
  manifest: Manifest;
  /** The path of this program. */
  program: string;
  /** Whether an earlier restore may have restored files without all they need. */
  needsAll: boolean;
}

interface Need {
  /** What is named if it fails. */
  what: string;
  recipe: RecipeFor;
  /** The command that repeats it, without `edox-ops`. */
  again: string;
}

/** Sets up what the restored parts need. A part that fails is reported, and added to what was not restored. */
export async function completeIn(session: Session, completing: Completing): Promise<void> {
  const { attemptRecipe } = await import("../../run/attempt.ts");
  for (const { what, recipe, again } of await needsOf(session, completing)) {
    const problem = await attemptRecipe(session, recipe, editWaitMs);
    if (problem === null) continue;
    completing.restored.failed.push(what);
    await session.warn(`${what}: ${problem.message}; repeat this with sudo edox-ops ${again}`);
  }
}

async function needsOf(
  { host }: Session,
  { parts, restored, manifest, program, needsAll }: Completing,
): Promise<Need[]> {
  const { deployKeysPath } = await import("../../deploy-keys/paths.ts");
  const { renewalConfigDir } = await import("../../certs/paths.ts");
  const { runnerConfigPath } = await import("../../runner/paths.ts");
  const { isRunnerInstalled } = await import("../../runner/service.ts");
  const { hasPreviews } = await import("../../sites/previews/list.ts");
  const needs: Need[] = [];
  const isRenewed = (host.list(renewalConfigDir) ?? []).some((name) => name.endsWith(".conf"));
  const isNew = needsAll || restored.certificates.length > 0 || installedPackage(host, "certbot") === null;
  if (parts.includes("certs") && isRenewed && isNew) {
    const { setUpAutoRenew } = await import("../../certs/recipe.ts");
    const again = "certs setup-auto-renew";
    needs.push({ what: "the renewal of certificates", recipe: () => setUpAutoRenew, again });
  }
  if (parts.includes("sites") && hasPreviews(host)) {
    const { timerRecipe } = await import("../../sites/previews/timer.ts");
    const { demandPermanent } = await import("../../problem/roots-alone.ts");
    const recipe: RecipeFor = () => {
      demandPermanent(host, program, "expired previews would stay");
      return timerRecipe("project previews prune", program);
    };
    needs.push({ what: "the timer of previews", recipe, again: "project previews prune" });
  }
  if (parts.includes("sites") && host.stat(deployKeysPath) !== null) {
    const { deployKeys } = await import("../../deploy-keys/recipe.ts");
    const { safeProgram } = await import("../../deploy-keys/edit.ts");
    const { readKeys } = await import("../../deploy-keys/record.ts");
    const recipe: RecipeFor = () => {
      const requires = [safeProgram(readKeys(host)?.program ?? program)];
      return deployKeys((before) => before, {
        command: "project key add",
        done: "The deploy keys are set up.",
        requires,
      });
    };
    needs.push({ what: "the deploy keys", recipe, again: "doctor --fix" });
  }
  if (parts.includes("runner") && host.stat(runnerConfigPath) !== null) {
    if (needsAll || restored.runners || !isRunnerInstalled(host)) {
      const { movedRunners } = await import("../../runner/recipe.ts");
      const { hadEngine } = await import("../../backup/contents.ts");
      const hasEngine = hadEngine(manifest);
      const again = `gitlab-runner ${hasEngine ? "prepare-ci-host" : "install"}`;
      needs.push({ what: "GitLab Runner", recipe: (facts) => movedRunners(facts, hasEngine, manifest.mirrors), again });
    }
  }
  return needs;
}
