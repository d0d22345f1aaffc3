// Checks whether nginx accepts its whole configuration, including files of others.

import { installedPackage } from "../apt/dpkg.ts";
import type { Step } from "../engine/step.ts";
import { type HostReader, UnknownStateError } from "../host/host.ts";
import type { Requirement, Unmet } from "../problem/requirement.ts";
import { linesOf } from "../text/lines.ts";
import { nginxConfig } from "./config.ts";
import { hintToMend } from "./fault.ts";
import { hasLoadedFiles } from "./running.ts";

const directories = ["conf.d", "sites-enabled", "modules-enabled"].map((name) => `/etc/nginx/${name}`);

/** Matches "nginx: [emerg] ", or "2026/01/02 03:04:05 [emerg] 7#7: " once nginx has opened its log. */
const logPrefix = /^(?:nginx: \[\w+\]|[\d/]+ [\d:]+ \[\w+\] \d+#\d+:) /;

/**
 * Returns nginx's reason for refusing its configuration, with file and line, or null. Workers that are newer than every
 * file have loaded them all. Only without such workers is `nginx -t` run, which starts a child and opens nginx's logs.
 * Throws UnknownStateError if only root can determine it.
 */
export async function configFault(reader: HostReader): Promise<Required<Unmet> | null> {
  const { paths } = nginxConfig(reader);
  // A deleted file has no modification time to compare.
  if (paths.every((path) => reader.statTarget(path) !== null) && hasLoadedFiles(reader, [...paths, ...directories]))
    return null;
  if (reader.uid !== 0) throw new UnknownStateError("only root can test the configuration of nginx");
  const { code, stderr } = await reader.probe(["nginx", "-t", "-q"]);
  if (code === 0) return null;
  const lines = linesOf(stderr);
  const fatal = lines.find((line) => /\[(emerg|alert|crit)\]/.test(line)) ?? lines.join(" ");
  const reason = fatal.replace(logPrefix, "");
  return { reason, hint: hintToMend(reason), code: "invalid-config" };
}

/** Returns null, or that nginx refuses its configuration, with its own reason. */
export async function refusal(reader: HostReader): Promise<Required<Unmet> | null> {
  const fault = await configFault(reader);
  return fault && { ...fault, reason: `nginx refuses its configuration: ${fault.reason}` };
}

/**
 * Returns a requirement that is met if nginx accepts its configuration, or if the step is about to change it. The step
 * then tests the changed configuration. A fault in one of the files or directories `replaced` does not count, because
 * an earlier step of the run replaces them.
 */
export function configValid({ resources }: Pick<Step, "resources">, replaced: readonly string[] = []): Requirement {
  return {
    name: "nginx:config",
    title: "nginx accepts its configuration",
    async check(reader) {
      if (installedPackage(reader, "nginx") === null || reader.stat("/etc/nginx/nginx.conf") === null) return null;
      const fault = await refusal(reader);
      if (fault === null || replaced.some((path) => fault.reason.includes(path))) return null;
      for (const resource of resources) {
        const changes = await resource.check(reader, [], () => {});
        if (changes.some((change) => "path" in change && change.path.startsWith("/etc/nginx/"))) return null;
      }
      return fault;
    },
  };
}
