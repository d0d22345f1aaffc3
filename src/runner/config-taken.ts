// Checks whether the running gitlab-runner has loaded its configuration, and makes it reload.

import type { Resource } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { isActive } from "../resources/service.ts";
import { linesOf } from "../text/lines.ts";
import { runnerUnit } from "./names.ts";
import { runnerConfigPath } from "./paths.ts";

/** gitlab-runner checks for a newer file every 3 s, and reloads at once on SIGHUP. */
const settleMs = 8000;
/**
 * Time without a log line after which the file counts as loaded. A failure is always logged; a success is not with
 * `log_level = "warn"`.
 */
const silentMs = 4000;

export const configTaken: Resource = {
  name: "runner:config-taken",
  title: "gitlab-runner has loaded its configuration",
  settleMs,
  async check(reader, ahead) {
    if (!isActive(reader, runnerUnit)) return [];
    const touched = ahead.some((change) => "path" in change && change.path === runnerConfigPath);
    if (!touched && (await hasTaken(reader))) return [];
    const argv = ["systemctl", "kill", "--kill-who=main", "--signal=SIGHUP", runnerUnit];
    return [{ kind: "command", argv, reason: "gitlab-runner has not loaded its configuration", again: true }];
  },
};

async function hasTaken(reader: HostReader): Promise<boolean> {
  const changed = reader.stat(runnerConfigPath)?.changedMs;
  if (changed === undefined) return true;
  const since = `@${(changed / 1000).toFixed(3)}`;
  const { stdout } = await reader.probe([
    "journalctl",
    "--unit",
    runnerUnit,
    "--since",
    since,
    "--output=cat",
    "--no-pager",
  ]);
  const line = linesOf(stdout).findLast((each) => /Configuration loaded|Failed to load config/.test(each));
  if (line !== undefined) return line.includes("Configuration loaded");
  return Math.abs(reader.now() - changed) > silentMs;
}
