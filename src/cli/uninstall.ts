import { command } from "./command.ts";
import { changeFlags } from "./flags.ts";

const { only: _, skip: __, "fail-step": ___, ...flags } = changeFlags;

export default command({
  meta: {
    name: "uninstall",
    description: "Uninstall edox-ops; keeps sites, runners and their records",
    long: [
      "It removes the program, its previous version, its timers, alerts, and the deploy keys with their user.",
      "nginx, your sites and your runners continue to work.",
      "If edox-ops was installed as a package, remove it with apt-get.",
    ],
    examples: ["edox-ops uninstall --dry-run", "sudo edox-ops uninstall --yes"],
  },
  args: flags,
  async run(values, context) {
    const { removalOf } = await import("../deploy-keys/removal.ts");
    const { demandExists, demandUnpackaged, lockOf } = await import("../self-update/program.ts");
    const { uninstallation } = await import("../self-update/uninstall.ts");
    const { confirm, convergeRecipe } = await import("../run/recipes.ts");
    const { editWaitMs, run } = await import("./run.ts");
    const { program } = context;
    const host = await context.host();
    demandExists(host, program);
    demandUnpackaged(host, program, ["sudo", "apt-get", "remove", "edox-ops"]);
    const cleanup = await import("../runner/cleanup/recipe.ts");
    const previews = await import("../sites/previews/timer.ts");
    const backups = await import("../backup/recipe.ts");
    const { backupDir, cacheDir } = await import("../backup/paths.ts");
    const { default: watch } = await import("../watch/feature.ts");
    const hasAlerts = watch.optional?.isInstalled(host) === true;
    const recipe = async () => {
      const keys = await removalOf(host);
      const { steps, ...rest } = uninstallation(program);
      // The timers and the sessions of deploy keys run the program.
      const hasBackups = [backupDir, cacheDir].some((dir) => host.stat(dir) !== null);
      const before = [
        ...(keys === null ? [] : [keys]),
        ...[previews, backups].flatMap(({ hasTimer, timerRemoval }) => (hasTimer(host) ? timerRemoval() : [])),
        ...(hasBackups ? [backups.stateRemoval()] : []),
        ...(hasAlerts ? [(await import("../watch/recipe.ts")).removalStep()] : []),
        ...(cleanup.hasCleanup(host) ? [cleanup.cleanupRemoval()] : []),
      ];
      return { ...rest, steps: [...before, ...steps] };
    };
    return run(values, context, async (session) => {
      // The lock excludes an installer or a self-update, which would install the program again.
      if (!session.options.dryRun) {
        session.demandRoot();
        // A look that is running would write its state again.
        if (hasAlerts) await session.lock("watch", (await import("../watch/paths.ts")).watchLockPath, editWaitMs);
        await session.lock("program", lockOf(host, program));
      }
      const known = await confirm(session, recipe);
      if (known !== null) await convergeRecipe(session, recipe, { known });
    });
  },
});
