import { command } from "../command.ts";
import { bundleFlags, changeFlags } from "../flags.ts";
import { dockerMirrorFlags, mirrorOf, runnerMirrorFlags } from "./mirror.ts";

export default command({
  meta: {
    name: "prepare-ci-host",
    description: "Set up this host for CI jobs with Docker-in-Docker",
    long: [
      "It installs Docker and GitLab Runner from the repositories of their vendors.",
      "Runners that edox-ops registered with Docker become privileged, as Docker-in-Docker requires.",
      "A job of a privileged runner can become root on this host, so do not publish sites on the same host.",
      "The last line is the command that registers a runner.",
    ],
    examples: [
      "sudo edox-ops gitlab-runner prepare-ci-host --yes",
      "edox-ops gitlab-runner prepare-ci-host --dry-run",
      "sudo edox-ops gitlab-runner prepare-ci-host --yes --runner builder",
    ],
  },
  args: {
    runner: {
      type: "string",
      valueHint: "name,...",
      completes: "runner",
      description: "Make these runners privileged as well, although edox-ops did not register them",
    },
    ...dockerMirrorFlags,
    ...runnerMirrorFlags,
    ...changeFlags,
    ...bundleFlags,
  },
  steps: async (facts) => (await import("../../runner/recipe.ts")).prepareCiHost(facts).steps,
  async run(values, context) {
    const { changeRunner } = await import("./drain.ts");
    const { prepareCiHost } = await import("../../runner/recipe.ts");
    const mirrors = { docker: mirrorOf(values, "docker"), runner: mirrorOf(values, "runner") };
    const named = values.runner?.split(",") ?? [];
    const { imagesLoad } = await import("../../bundle/images.ts");
    return changeRunner(
      (facts, bundle) => prepareCiHost(facts, mirrors, named, bundle ? imagesLoad(bundle) : []),
      values,
      context,
    );
  },
});
