import { command } from "./command.ts";
import { changeFlags } from "./flags.ts";

export default command({
  meta: { name: "bootstrap", description: "turn this host into one for documentation sites" },
  args: changeFlags,
  async run(values, context) {
    const { change } = await import("./run.ts");
    const { bootstrap } = await import("../bootstrap/recipe.ts");
    return change(bootstrap, values, context);
  },
});
