import { command } from "../command.ts";
import { changeFlags } from "../flags.ts";
import { editWaitMs, run } from "../run.ts";
import { settingsFlags, settingsOf } from "./settings.ts";

export default command({
  meta: {
    name: "enable",
    description: "Check this host regularly and send alerts",
    long: [
      "It records the receivers, and installs a systemd timer that runs watch run.",
      "A receiver that no flag names stays as it is; none removes one.",
      "URLs, keys and tokens are stored in files that only root can read, and are never printed.",
      "A value of - is asked for, or read from stdin, so that it appears in no list of processes.",
    ],
    examples: [
      "sudo edox-ops watch enable --mail ops@example.org --yes",
      "sudo edox-ops watch enable --webhook - --webhook-format slack --every 10m --yes",
      "sudo edox-ops watch enable --ntfy https://ntfy.sh/docs-7f3a --heartbeat https://hc-ping.com/1f --yes",
    ],
  },
  args: { ...settingsFlags, ...changeFlags },
  steps: async () => [
    { id: "watch.settings", title: "the settings of alerts are recorded" },
    { id: "watch.timer", title: "this host is checked regularly" },
  ],
  async run(values, context) {
    const { demandExists } = await import("../../self-update/program.ts");
    const { confirm, convergeRecipe } = await import("../../run/recipes.ts");
    const { enableRecipe } = await import("../../watch/recipe.ts");
    const host = await context.host();
    const settings = await settingsOf(host, values, context);
    // The timer runs this path.
    demandExists(host, context.program);
    const recipe = () => enableRecipe(settings, context.program);
    return run(values, context, async (session) => {
      const known = await confirm(session, recipe);
      if (known !== null) await convergeRecipe(session, recipe, { known, lockWaitMs: editWaitMs });
    });
  },
});
