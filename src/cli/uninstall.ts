import { command } from "./command.ts";
import { changeFlags } from "./flags.ts";

const { only: _, skip: __, "fail-step": ___, ...flags } = changeFlags;

export default command({
  meta: { name: "uninstall", description: "take this program away; sites, runners and their records stay" },
  args: flags,
  async run(values, context) {
    const { demandUnpackaged } = await import("../release/program.ts");
    const { uninstallation } = await import("../release/uninstall.ts");
    const { change } = await import("./run.ts");
    const { program } = context;
    demandUnpackaged(await context.host(), program, ["remove", "edox-ops"]);
    return change(() => uninstallation(program), values, context);
  },
});
