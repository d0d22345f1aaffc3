import type { Session } from "../../run/session.ts";
import { command } from "../command.ts";
import { changeFlags } from "../flags.ts";
import { run } from "../run.ts";
import { convergeDrained, drainFlag, drainOf } from "./drain.ts";

const { only: _, skip: __, ...flags } = changeFlags;

export default command({
  meta: {
    name: "uninstall",
    description: "Uninstall GitLab Runner; keeps its configuration, user and Docker",
    long: [
      "It waits for running jobs, stops the service, and removes the packages and the cleanup.",
      "With --purge and --docker, more is removed.",
      "Unregister your runners first: GitLab would list them for ever.",
    ],
    examples: [
      "sudo edox-ops gitlab-runner uninstall --yes",
      "sudo edox-ops gitlab-runner uninstall --purge --docker --dry-run",
    ],
  },
  args: {
    purge: { type: "boolean", description: "Remove its configuration and user as well" },
    docker: { type: "boolean", description: "Remove the packages of Docker as well; keeps images and volumes" },
    force: { type: "boolean", description: "Continue although foreign runners or containers stop" },
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
      return uninstallation(choices, host);
    };
    const stops = async ({ stop }: Session): Promise<boolean> => {
      await demandRemovable(host, choices, stop);
      return true;
    };
    return run(values, context, (session) => convergeDrained(session, { recipeFor: recipe, drainMs, stops }));
  },
});
