// config.toml as a file that is changed: only where it means something else, and taken back where gitlab-runner refuses it.

import { type Change, Text } from "../engine/change.ts";
import { linesOf } from "../engine/lines.ts";
import { Problem, type Resource, type Warn } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { runnerConfigPath } from "../recipes/paths.ts";
import { missingDirectories } from "../resources/directory.ts";
import { isActive } from "../resources/service.ts";
import { type ConfigEdit, editConfig } from "./config-text.ts";
import { configOf, configText, faultsOf, type RunnerConfig } from "./runners.ts";

/** What the file was before, beside it: root's alone, since it has the same tokens. */
export const keptConfigPath = `${runnerConfigPath}.before-edox-ops`;
const unit = "gitlab-runner";
/** It looks for a newer file every 3 s; asked for by a signal it reads at once. */
const settleMs = 8000;
/** What was not taken so long after it was written was told in a log that is gone. */
const toldMs = 60_000;

/** The file means what these edits say; nothing else in it changes, to the byte. */
export function configFile(
  name: string,
  title: string,
  editsFor: (config: RunnerConfig, see: HostReader, warn: Warn) => readonly ConfigEdit[],
): Resource {
  return {
    name,
    title,
    check(see, ahead, warn) {
      const before = configText(see);
      const config = configOf(before);
      const after = editConfig(before, editsFor(config, see, warn), runnerConfigPath);
      if (after === before) return [];
      const had = faultsOf(config);
      const fault = faultsOf(configOf(after)).find((each) => !had.includes(each));
      if (fault) throw new Problem("internal", `${runnerConfigPath} would have a fault: ${fault}`);
      const stat = see.stat(runnerConfigPath);
      const owner = { mode: 0o600, uid: stat?.uid ?? 0, gid: stat?.gid ?? 0 };
      const old = stat === null ? null : Text.of(before, true);
      const kept = see.read(keptConfigPath);
      const changes: Change[] = missingDirectories(see, ahead, "/etc/gitlab-runner", 0o700);
      if (old !== null) {
        const replaced = kept && new Text(kept, true);
        changes.push({ kind: "file", path: keptConfigPath, before: replaced, after: old, ...owner });
      }
      changes.push({ kind: "file", path: runnerConfigPath, before: old, after: Text.of(after, true), ...owner });
      return changes;
    },
  };
}

/** The running service has read the file as it is. It reads by itself what is newer than what it has, and nothing else. */
export const configTaken: Resource = {
  name: "runner:config-taken",
  title: "the running gitlab-runner has read its configuration",
  settleMs,
  async check(see, ahead) {
    if (!isActive(see, unit)) return [];
    const touched = ahead.some((change) => "path" in change && change.path === runnerConfigPath);
    if (!touched && (await hasTaken(see))) return [];
    const argv = ["systemctl", "kill", "--kill-whom=main", "--signal=SIGHUP", unit];
    return [{ kind: "command", argv, lack: "gitlab-runner has not read its configuration", again: true }];
  },
};

async function hasTaken(see: HostReader): Promise<boolean> {
  const changed = see.stat(runnerConfigPath)?.changedMs;
  if (changed === undefined) return true;
  const said = await spoken(see, changed);
  if (said.at(-1) !== undefined) return said.at(-1) === "taken";
  return see.now() - changed > toldMs;
}

/** What it said of its configuration since then, in order. */
async function spoken(see: HostReader, sinceMs: number): Promise<("taken" | "refused")[]> {
  const since = `@${(sinceMs / 1000).toFixed(3)}`;
  const { stdout } = await see.probe(["journalctl", "--unit", unit, "--since", since, "--output", "cat", "--no-pager"]);
  return linesOf(stdout).flatMap((line) => {
    if (line.includes("Configuration loaded")) return "taken";
    return /Failed to load config|Service run failed/.test(line) ? "refused" : [];
  });
}
