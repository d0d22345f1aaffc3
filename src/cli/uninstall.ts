import { command } from "./command.ts";
import { changeFlags } from "./flags.ts";

const { only: _, skip: __, "fail-step": ___, ...flags } = changeFlags;

export default command({
  meta: { name: "uninstall", description: "take this program away; sites, runners and their records stay" },
  args: flags,
  async run(values, context) {
    const { demandExists, demandUnpackaged, lockOf } = await import("../self-update/program.ts");
    const { uninstallation } = await import("../self-update/uninstall.ts");
    const { change, demandRoot, takeLock } = await import("./run.ts");
    const { program, typed } = context;
    const host = await context.host();
    demandExists(host, program);
    demandUnpackaged(host, program, ["sudo", "apt-get", "remove", "edox-ops"]);
    const recipe = () => uninstallation(program);
    if (values["dry-run"] || values.check) return change(recipe, values, context);
    demandRoot(host, context);
    // The lock excludes an installer or a self-update, which would install the program again.
    const lock = await takeLock(host, lockOf(host, program), ["sudo", "edox-ops", ...typed]);
    return change(recipe, values, context).finally(() => lock.release());
  },
});
