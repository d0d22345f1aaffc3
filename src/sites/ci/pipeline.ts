// The jobs of GitLab CI that deploy a project.

import deployJobs from "../../../ci/edox-ops.gitlab-ci.yml" with { type: "text" };
import type { SshServer } from "../../ssh/server.ts";
import type { PreviewMode, Project } from "../project.ts";
import { buildJob, type Generator, isBoundToBase } from "./build-job.ts";

export interface Pipeline {
  /** The line of known_hosts with which a job recognizes the host. */
  knownHosts: string;
  /** The variables of the jobs, by name. */
  variables: Record<string, string>;
  /** The text of `.gitlab-ci.yml`. */
  text: string;
}

interface PipelineOptions {
  project: Project;
  /** The name or address by which a job reaches the host. */
  host: string;
  server: SshServer;
  generator: Generator;
  /** The directory of the built site in the repository. */
  output: string;
  previews: PreviewMode;
}

/** Returns the jobs that deploy a project to this host. */
export function pipelineOf({ project, host, server, generator, output, previews }: PipelineOptions): Pipeline {
  const { slug, domain, tls } = project;
  const knownHosts = `${server.port === 22 ? host : `[${host}]:${server.port}`} ${server.key}`;
  const variables = {
    EDOX_OPS_HOST: host,
    EDOX_OPS_PORT: String(server.port),
    EDOX_OPS_KNOWN_HOSTS: knownHosts,
    EDOX_OPS_SITE: output,
    EDOX_OPS_URL: `${tls ? "https" : "http"}://${domain}/`,
    EDOX_OPS_PREVIEW_BASE: previews === "path" ? "/-/$CI_COMMIT_REF_SLUG/" : "/",
    EDOX_OPS_VERSIONS: "false",
    EDOX_OPS_ALIAS: isBoundToBase(generator) ? "" : "latest",
  };
  const lines = Object.entries(variables).map(([name, value]) => `  ${name}: ${JSON.stringify(value)}\n`);
  const text = [head(slug), `variables:\n${lines.join("")}`, buildJob(generator), deployJobs].join("\n");
  return { knownHosts, variables, text };
}

function head(slug: string): string {
  return `# Builds the site and deploys it to the project ${slug} on a host of edox-ops. Made by \`edox-ops project ci ${slug}\`.
#
# The jobs need two variables of the type File, in GitLab under Settings, CI/CD, Variables. Each is the private key that a
# command on the host prints:
#   DEPLOY_KEY, protected:  sudo edox-ops project key add ${slug} --generate --name deploy
#   PREVIEW_KEY, unprotected, for the jobs of merge requests:
#                           sudo edox-ops project key add ${slug} --generate --name previews --previews-only
# A pipeline without the key of a job leaves that job out. EDOX_OPS_VERSIONS: "true" publishes each tag as a version.
`;
}
