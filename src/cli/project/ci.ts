import * as v from "valibot";
import { generators } from "../../sites/ci/build-job.ts";
import { domain } from "../../sites/project.ts";
import { usage } from "../arguments.ts";
import { command } from "../command.ts";
import { outputFlags } from "../flags.ts";
import { printFound } from "../view.ts";
import { slugArgument, slugOf } from "./record.ts";

/** A directory in the repository, in characters that no shell and no YAML changes. */
const outputPattern = /^(?!.*(?:^|\/)\.\.?(?:\/|$))[\w.][\w.-]*(?:\/[\w.-]+)*$/;
/** An address of IPv6, which known_hosts and ssh have without brackets. */
const ipv6Pattern = /^[0-9a-f:]*:[0-9a-f:.]*$/i;

export default command({
  meta: {
    name: "ci",
    description: "Print the GitLab CI jobs that deploy a project",
    long: [
      "It prints a .gitlab-ci.yml that builds the site and deploys it to this host over SSH.",
      "Merge requests get a preview, which is removed when they are merged or closed.",
      "The default branch is deployed to the site itself, and tags become versions if you set a variable.",
      "The jobs accept only the SSH host key of this host, which is part of the output.",
      "They need the keys that project key add makes, as variables in GitLab.",
    ],
    examples: [
      "sudo edox-ops project ci docs",
      "sudo edox-ops project ci docs --generator mkdocs",
      "sudo edox-ops project ci docs --host ssh.example.org --output site",
    ],
  },
  args: {
    ...slugArgument,
    generator: {
      type: "string",
      options: generators,
      description: "Build the site with this generator; none (default) leaves the build to you",
    },
    output: {
      type: "string",
      alias: "o",
      valueHint: "directory",
      description: "Directory of the built site in the repository; public by default",
    },
    host: {
      type: "string",
      valueHint: "name",
      description: "Name or address by which jobs reach this host; the domain by default",
    },
    json: outputFlags.json,
  },
  async run({ generator = "none", output = "public", host, ...values }, context) {
    if (!generators.some((each) => each === generator)) {
      const builders = generators.filter((each) => each !== "none");
      throw usage(`unknown generator '${generator}' for --generator: use ${builders.join(", ")} or none`);
    }
    if (!outputPattern.test(output)) {
      throw usage(
        `invalid directory '${output}' for --output: a path in the repository, of letters, digits, ., _ and -`,
      );
    }
    if (host !== undefined && !v.is(domain, host) && !ipv6Pattern.test(host)) {
      throw usage(`invalid name '${host}' for --host: a host name or an IP address`);
    }
    const { chooseMode } = await import("./preview-mode.ts");
    const { pipelineOf } = await import("../../sites/ci/pipeline.ts");
    const { sshServer } = await import("../../ssh/server.ts");
    const { theProject } = await import("../../sites/store.ts");
    const reader = await context.host();
    const project = await theProject(reader, slugOf(values));
    const { knownHosts, variables, text } = pipelineOf({
      ...{ project, host: host ?? project.domain, output },
      ...{ generator: generator as (typeof generators)[number], server: await sshServer(reader) },
      // The first preview decides in the same way.
      previews: project.previews ?? (await chooseMode(reader, project)).mode,
    });
    return printFound(context, values.json, {
      document: { ci: { known_hosts: knownHosts, variables, pipeline: text } },
      view: () => text,
      text: () => text,
    });
  },
});
