import { command } from "../command.ts";
import { bundleFlags, changeFlags } from "../flags.ts";
import { dockerMirrorFlags, mirrorOf, runnerMirrorFlags } from "./mirror.ts";

export default command({
  meta: { name: "prepare-ci-host", description: "turn this host into one that builds with Docker-in-Docker" },
  args: {
    runner: {
      type: "string",
      valueHint: "name,...",
      completes: "runner",
      description: "make these runners privileged too, though somebody else made them",
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
