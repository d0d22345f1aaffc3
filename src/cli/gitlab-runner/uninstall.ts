import type { Session } from "../../run/session.ts";
import { command } from "../command.ts";
import { changeFlags } from "../flags.ts";
import { run } from "../run.ts";
import { convergeDrained, drainFlag, drainOf } from "./drain.ts";

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
  async steps() {
    const { uninstallation } = await import("../../runner/uninstall.ts");
    return uninstallation({ purge: false, docker: false }).steps;
  },
  async run(values, context) {
    const { demandNoRunner, demandRemovable, uninstallation } = await import("../../runner/uninstall.ts");
    const { demandPackaged } = await import("../../runner/service.ts");
    const drainMs = drainOf(values.drain);
    const host = await context.host();
    const purge = values.purge === true;
    const choices = { purge, docker: values.docker === true, force: values.force === true };
    const demand = (): void => {
      demandPackaged(host);
      if (purge || !values.force) demandNoRunner(host, purge);
    };
    demand();
    const recipe = () => {
      // This is checked again under the lock, because a runner may have been registered during the drain.
      demand();
      return uninstallation(choices);
    };
    const stops = async ({ stop }: Session): Promise<boolean> => {
      await demandRemovable(host, choices, stop);
      return true;
    };
    return run(values, context, (session) => convergeDrained(session, { recipeFor: recipe, drainMs, stops }));
  },
});
