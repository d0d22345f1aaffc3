// Whether the running gitlab-runner has read its configuration, and what has it read it.

import { linesOf } from "../engine/lines.ts";
import type { Resource } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { runnerConfigPath } from "../recipes/paths.ts";
import { isActive } from "../resources/service.ts";

const unit = "gitlab-runner";
/** It looks for a newer file every 3 s, and reads at once when a signal asks for it. */
const settleMs = 8000;
/** After so long without a word it has taken the file: a refusal is always told, and at `log_level = "warn"` no more. */
const silentMs = 4000;

export const configTaken: Resource = {
  name: "runner:config-taken",
  title: "the running gitlab-runner has read its configuration",
  settleMs,
  async check(see, ahead) {
    if (!isActive(see, unit)) return [];
    const touched = ahead.some((change) => "path" in change && change.path === runnerConfigPath);
    if (!touched && (await hasTaken(see))) return [];
    const argv = ["systemctl", "kill", "--kill-who=main", "--signal=SIGHUP", unit];
    return [{ kind: "command", argv, lack: "gitlab-runner has not read its configuration", again: true }];
  },
};

async function hasTaken(see: HostReader): Promise<boolean> {
  const changed = see.stat(runnerConfigPath)?.changedMs;
  if (changed === undefined) return true;
  const since = `@${(changed / 1000).toFixed(3)}`;
  const { stdout } = await see.probe(["journalctl", "--unit", unit, "--since", since, "--output=cat", "--no-pager"]);
  const said = linesOf(stdout).findLast((line) => /Configuration loaded|Failed to load config/.test(line));
  if (said !== undefined) return said.includes("Configuration loaded");
  return Math.abs(see.now() - changed) > silentMs;
}
