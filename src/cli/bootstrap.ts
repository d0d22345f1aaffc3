import { defineCommand } from "citty";
import { changeFlags } from "./flags.ts";

export default defineCommand({
  meta: { name: "bootstrap", description: "turn this host into one for documentation sites" },
  args: changeFlags,
  async run({ args, data }) {
    const { change } = await import("./run.ts");
    const { bootstrap } = await import("../recipes/bootstrap.ts");
    return change(bootstrap, args, data);
  },
});
