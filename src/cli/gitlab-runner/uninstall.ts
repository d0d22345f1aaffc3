import { lineOf } from "../../engine/lines.ts";
import { command } from "../command.ts";
import { exitCode } from "../context.ts";
import { changeFlags } from "../flags.ts";
import { change, demandRoot, interruption } from "../run.ts";
import { drainFlag, drainOf } from "./drain.ts";

const { only: _, skip: __, ...flags } = changeFlags;

export default command({
  meta: { name: "uninstall", description: "take GitLab Runner away; its configuration, user and Docker stay" },
  args: {
    purge: { type: "boolean", description: "take its configuration and user away too" },
    docker: { type: "boolean", description: "take Docker's packages away too; images and volumes stay" },
    force: { type: "boolean", description: "do it, though runners of somebody else or containers stop" },
    ...drainFlag,
    ...flags,
  },
  async run(values, context) {
    const { demandNoRunner, uninstallation } = await import("../../runner/uninstall.ts");
    const { demandPackaged } = await import("../../runner/service.ts");
    const { drained } = await import("../../runner/drain.ts");
    const drainMs = drainOf(values.drain);
    const host = await context.host();
    const purges = values.purge === true;
    demandPackaged(host);
    if (purges || !values.force) demandNoRunner(host, purges);
    const recipe = () => uninstallation({ purges, docker: values.docker === true, force: values.force === true });
    if (values["dry-run"] || values.check || !values.yes) return change(recipe, values, context);
    demandRoot(host, context);
    const signal = host.heedSignals();
    const stop = () => interruption(signal(), ["sudo", "edox-ops", ...context.typed]);
    const restart = await drained(host, drainMs, stop, (sentence) => context.console.err(lineOf`${sentence}`));
    let exit: number = exitCode.failed;
    try {
      exit = await change(recipe, values, context);
    } finally {
      if (exit !== exitCode.done) await restart();
    }
    return exit;
  },
});
