import { command } from "../command.ts";
import { bundleFlags, changeFlags } from "../flags.ts";
import { mirrorOf, runnerMirrorFlags } from "./mirror.ts";

export default command({
  meta: { name: "install", description: "install GitLab Runner, from GitLab's own repository" },
  args: { ...runnerMirrorFlags, ...changeFlags, ...bundleFlags },
  steps: async (facts) => (await import("../../runner/recipe.ts")).gitlabRunnerInstall(facts).steps,
  async run(values, context) {
    const { changeRunner } = await import("./drain.ts");
    const { gitlabRunnerInstall } = await import("../../runner/recipe.ts");
    const mirrors = { docker: {}, runner: mirrorOf(values, "runner") };
    return changeRunner((facts) => gitlabRunnerInstall(facts, mirrors), values, context);
  },
});
