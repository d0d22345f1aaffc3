import type { Feature } from "../engine/feature.ts";
import { type Command, command } from "./command.ts";
import { bundleFlags, changeFlags } from "./flags.ts";

/** Returns the command of a feature: it converges the feature's first recipe. */
export function featureCommand(name: string, { command: described, recipes }: Feature): Command {
  return command({
    meta: { description: "", ...described, name },
    args: { ...changeFlags, ...bundleFlags },
    steps: async (facts) => (await recipes?.(facts))?.[0]?.steps ?? [],
    async run(values, context) {
      const { change } = await import("./run.ts");
      return change(
        async (facts) => {
          const [recipe] = (await recipes?.(facts)) ?? [];
          if (recipe === undefined) throw new Error(`the feature ${name} has no recipe`);
          return recipe;
        },
        values,
        context,
      );
    },
  });
}
