import type { Restored } from "../backup/restore.ts";
import { Problem } from "../problem/problem.ts";
import { askFirst } from "../run/confirmation.ts";
import { convergeRecipe, type RecipeFor } from "../run/recipes.ts";
import type { Session } from "../run/session.ts";
import { lockBackups } from "./backup/access.ts";
import { repositoryFlags, typedAccess } from "./backup/repository-flags.ts";
import { partsFlag, partsOf, restoreIn } from "./backup/restoring.ts";
import { command } from "./command.ts";
import { bundleFlags, confirmationFlags, editFlags, runOptionsOf } from "./flags.ts";
import { editWaitMs, run } from "./run.ts";

export default command({
  meta: {
    name: "restore-host",
    description: "Set up this host from the backup of another one",
    long: [
      "It installs what is needed, and restores sites, certificates and runners from a repository.",
      "The host must not have sites yet: for one that has, use backup restore.",
      "At its end it lists what differs from the old host, and runs doctor.",
      "Until the names in the DNS lead to this host, the old one still serves the sites.",
    ],
    examples: [
      "sudo edox-ops restore-host --repo sftp:backup@nas:/srv/backup --password-file password --yes",
      "sudo edox-ops restore-host --repo /mnt/stick/backup --password-file password --from web1 --dry-run",
    ],
  },
  args: {
    ...repositoryFlags,
    from: { type: "string", valueHint: "host", description: "Name of the old host, if the repository has several" },
    snapshot: { type: "string", valueHint: "id", description: "Id of the snapshot; the newest one by default" },
    ...partsFlag,
    ...confirmationFlags,
    ...editFlags,
    ...bundleFlags,
  },
  async run({ only, ...values }, context) {
    const { hostName } = await import("../host/host-name.ts");
    const { shownLocation } = await import("../backup/repository.ts");
    const { packagesRecipe, settingsRecipe } = await import("../backup/recipe.ts");
    const { demandBare } = await import("../backup/moved.ts");
    const { chosenSnapshot, listSnapshots } = await import("../backup/snapshots.ts");
    const { installedPackage } = await import("../apt/dpkg.ts");
    const { environmentText, secretText } = await import("../backup/settings.ts");
    const { bootstrap } = await import("../bootstrap/recipe.ts");
    const parts = partsOf(only);
    const host = await context.host();
    const access = typedAccess(host, values);
    await demandBare(host);
    /** The new host goes on under the name of the old one, so that a restore finds the snapshots of both. */
    const recorded = (from: string) => ({
      settings: { repository: access.repository.location, host: from, with_releases: false, keep: null },
      password: secretText(access.password),
      environment: environmentText(access.environment),
    });
    const packages = () => packagesRecipe("restore-host", access.repository);
    const { dryRun, yes } = runOptionsOf(values);
    if (!(yes || dryRun || context.console.interactive())) {
      const hint = ["sudo", "edox-ops", ...context.typed, "--dry-run"];
      throw new Problem("not-confirmed", "restore-host needs confirmation: pass --yes to restore", { hint });
    }
    const shown = shownLocation(access.repository.location);
    return run(values, context, async (session) => {
      if (!dryRun) session.demandRoot();
      await askFirst(session, () => `Set up this host, and restore ${parts.join(", ")} from ${shown}?`);
      const terms = { lockWaitMs: editWaitMs };
      if (!(await convergeRecipe(session, packages, terms))) return;
      // Without restic, a dry run cannot look into the repository.
      const isReadable = installedPackage(host, "restic") !== null;
      const all = isReadable ? await listSnapshots(host, access, values.from ?? null) : null;
      const snapshot = all && chosenSnapshot(all, values.snapshot);
      if (!(await convergeRecipe(session, bootstrap, terms))) return;
      const record = () => settingsRecipe("restore-host", recorded(snapshot?.host ?? hostName(host)));
      if (!(await convergeRecipe(session, record, terms))) return;
      if (!dryRun) await lockBackups(session);
      const { program } = context;
      const restored = await restoreIn(session, await context.trees(), { access, snapshot, parts, program });
      if (restored !== null) await completeIn(session, restored, program);
    });
  },
});

/** Installs what the restored parts need, and reports what differs from the old host. The sites are served already. */
async function completeIn(session: Session, restored: Restored, program: string): Promise<void> {
  const { attemptRecipe } = await import("../run/attempt.ts");
  const { differences } = await import("../backup/moved.ts");
  const { doctorFailures } = await import("../backup/own-program.ts");
  const { demandWhole } = await import("../backup/restore.ts");
  const { deployKeysPath } = await import("../deploy-keys/paths.ts");
  const { renewalConfigDir } = await import("../certs/paths.ts");
  const { setUpAutoRenew } = await import("../certs/recipe.ts");
  const { host } = session;
  const recipes: RecipeFor[] = [];
  if (restored.certificates.some((name) => host.stat(`${renewalConfigDir}/${name}.conf`) !== null))
    recipes.push(() => setUpAutoRenew);
  if (host.stat(deployKeysPath) !== null) {
    const { deployKeys } = await import("../deploy-keys/recipe.ts");
    recipes.push(() =>
      deployKeys((before) => before, { command: "restore-host", done: "The deploy keys are set up." }),
    );
  }
  if (restored.runners) {
    const { gitlabRunnerInstall } = await import("../runner/recipe.ts");
    recipes.push((facts) => gitlabRunnerInstall(facts));
  }
  for (const recipe of recipes) {
    const problem = await attemptRecipe(session, recipe, editWaitMs);
    if (problem !== null) await session.warn(problem.message);
  }
  for (const each of await differences(host, restored)) await session.warn(each);
  for (const each of await doctorFailures(host, program)) await session.warn(`doctor: ${each}`);
  session.say("Next: sudo edox-ops backup enable, and host harden if the old host was hardened\n");
  demandWhole(restored);
}
