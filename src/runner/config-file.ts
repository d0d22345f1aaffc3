// config.toml as a file that is changed: only where it means something else, and taken back where gitlab-runner refuses it.

import { type Change, Text } from "../engine/change.ts";
import { withDiskFault } from "../engine/disk-fault.ts";
import { regularFile } from "../engine/facts.ts";
import { Problem, type Resource, type Warn } from "../engine/step.ts";
import type { Host, HostReader } from "../host/host.ts";
import { runnerConfigPath } from "../recipes/paths.ts";
import { missingDirectories } from "../resources/directory.ts";
import { type ConfigEdit, editConfig } from "./config-text.ts";
import { configOf, configText, faultsOf, type RunnerConfig } from "./runners.ts";

type EditsFor = (config: RunnerConfig, see: HostReader, warn: Warn) => readonly ConfigEdit[];

/** What the file was before, beside it: root's alone, since it has the same tokens. */
export const keptConfigPath = `${runnerConfigPath}.before-edox-ops`;

/**
 * The file means what these edits say; nothing else in it changes, to the byte. The file of before is kept beside it, unless
 * what is taken out should be nowhere any more: then no copy stays.
 */
export function configFile(name: string, title: string, editsFor: EditsFor, keeps = true): Resource {
  return {
    name,
    title,
    check(see, ahead, warn) {
      const before = configText(see);
      const config = configOf(before);
      const edits = editsFor(config, see, warn);
      const after = edits.length === 0 ? before : editConfig(before, edits, runnerConfigPath);
      if (after === before) return [];
      if (faultsOf(configOf(after)).length > faultsOf(config).length) {
        throw new Problem("internal", `${runnerConfigPath} would have a fault more: it is left as it is`);
      }
      const stat = see.stat(runnerConfigPath);
      const owner = { mode: 0o600, uid: stat?.uid ?? 0, gid: stat?.gid ?? 0 };
      const old = stat === null ? null : Text.of(before, true);
      const kept = regularFile(see, keptConfigPath);
      const replaced = kept && new Text(kept, true);
      const changes: Change[] = missingDirectories(see, ahead, "/etc/gitlab-runner", 0o700);
      if (keeps && old !== null) {
        changes.push({ kind: "file", path: keptConfigPath, before: replaced, after: old, ...owner });
      }
      if (!keeps && replaced !== null) changes.push({ kind: "removal", path: keptConfigPath, before: replaced });
      changes.push({ kind: "file", path: runnerConfigPath, before: old, after: Text.of(after, true), ...owner });
      return changes;
    },
  };
}

/**
 * Throws a Problem where the file cannot be replaced, by replacing it with itself: a mount, chattr(1), a read-only or a full file
 * system are each seen by nothing else. The running gitlab-runner loads the same configuration once more.
 */
export function demandReplaceable(host: Host): void {
  const [bytes, stat] = [regularFile(host, runnerConfigPath), host.stat(runnerConfigPath)];
  if (bytes === null || stat === null) return;
  try {
    host.writeFile(runnerConfigPath, bytes, { mode: 0o600, uid: stat.uid, gid: stat.gid });
  } catch (error) {
    throw withDiskFault(Problem.of(error), host);
  }
}
