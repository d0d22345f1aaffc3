import { command } from "../command.ts";
import { bundleFlags, changeFlags } from "../flags.ts";
import { mirrorOf, runnerMirrorFlags } from "./mirror.ts";

export default command({
  meta: {
    name: "install",
    description: "Install GitLab Runner",
    long: [
      "It installs GitLab Runner from GitLab's own repository, with its user and its service.",
      "The service stops gracefully: running jobs may finish.",
      "For jobs with Docker, use prepare-ci-host instead.",
    ],
    examples: ["sudo edox-ops gitlab-runner install --yes", "edox-ops gitlab-runner install --dry-run"],
  },
  args: { ...runnerMirrorFlags, ...changeFlags, ...bundleFlags },
  steps: async (facts) => (await import("../../runner/recipe.ts")).gitlabRunnerInstall(facts).steps,
  async run(values, context) {
    const { changeRunner } = await import("./drain.ts");
    const { gitlabRunnerInstall } = await import("../../runner/recipe.ts");
    const mirrors = { docker: {}, runner: mirrorOf(values, "runner") };
    return changeRunner((facts) => gitlabRunnerInstall(facts, mirrors), values, context);
  },
});
