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
    const { demandExists, demandUnpackaged, lockOf } = await import("../self-update/program.ts");
    const { uninstallation } = await import("../self-update/uninstall.ts");
    const { confirm, convergeRecipe } = await import("../run/recipes.ts");
    const { backupLockPath } = await import("../backup/paths.ts");
    const { watchLockPath } = await import("../watch/paths.ts");
    const { cleanupLockPath } = await import("../runner/paths.ts");
    const { editWaitMs, run } = await import("./run.ts");
    const { program } = context;
    const host = await context.host();
    demandExists(host, program);
    demandUnpackaged(host, program, ["sudo", "apt-get", "remove", "edox-ops"]);
    // Their timers and the sessions of deploy keys run the program.
    const users = [
      await import("../deploy-keys/removal.ts"),
      await import("../sites/previews/timer.ts"),
      await import("../backup/recipe.ts"),
      await import("../watch/recipe.ts"),
      await import("../runner/cleanup/recipe.ts"),
    ];
    const recipe = async () => {
      const { steps, ...rest } = uninstallation(program);
      const before = await Promise.all(users.map(({ removalOf }) => removalOf(host)));
      return { ...rest, steps: [...before.flat(), ...steps] };
    };
    return run(values, context, async (session) => {
      if (!session.options.dryRun) {
        session.demandRoot();
        // A run of a timer would write its state again.
        await session.lock("backup", backupLockPath, editWaitMs);
        await session.lock("watch", watchLockPath, editWaitMs);
        // The lock excludes an installer or a self-update, which would install the program again.
        await session.lock("program", lockOf(host, program));
        await session.lock("cleanup", cleanupLockPath, editWaitMs);
      }
      const known = await confirm(session, recipe);
      if (known !== null) await convergeRecipe(session, recipe, { known });
    });
  },
});
