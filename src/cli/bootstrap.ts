import { bootstrap } from "../recipes/bootstrap.ts";
import { command } from "./command.ts";
import { changeFlags } from "./flags.ts";
import { change } from "./run.ts";

export default command({
  meta: { name: "bootstrap", description: "turn this host into one for documentation sites" },
  args: changeFlags,
  // Loaded with the command: each part that is loaded later takes a tenth of a millisecond more.
  run: (values, context) => change(bootstrap, values, context),
});
