// config.toml as a managed file. It is written only if its meaning changes, and rolled back if gitlab-runner rejects
// it.

import { type Change, Text } from "../engine/change.ts";
import type { Resource } from "../engine/step.ts";
import type { Host, HostReader } from "../host/host.ts";
import { withDiskFault } from "../problem/disk-fault.ts";
import { Problem } from "../problem/problem.ts";
import { regularFile } from "../problem/regular-file.ts";
import type { Warn } from "../problem/requirement.ts";
import { missingDirectories } from "../resources/directory.ts";
import { editToml, type TomlEdit } from "../toml/edit.ts";
import { runnerConfigPath } from "./paths.ts";
import { configOf, configText, faultsOf, type RunnerConfig, runnerConfigFile } from "./runners.ts";

type EditsFor = (config: RunnerConfig, reader: HostReader, warn: Warn) => readonly TomlEdit[];

/** The previous content of the file. It contains the same tokens, so only the owner and root can read it. */
export const keptConfigPath = `${runnerConfigPath}.before-edox-ops`;

/**
 * Returns a resource that applies these edits to config.toml and leaves every other byte unchanged. The previous file
 * is kept beside it. With `keeps` false, no copy is kept and an existing one is removed, so that a removed token is
 * nowhere on the host.
 */
export function configFile(name: string, title: string, editsFor: EditsFor, keeps = true): Resource {
  return {
    name,
    title,
    check(reader, ahead, warn) {
      const before = configText(reader);
      const config = configOf(before);
      const edits = editsFor(config, reader, warn);
      const after = edits.length === 0 ? before : editToml(before, edits, runnerConfigFile);
      if (after === before) return [];
      if (faultsOf(configOf(after)).length > faultsOf(config).length) {
        throw new Problem("internal", `${runnerConfigPath} edit would introduce an error; file left unchanged`);
      }
      const stat = reader.stat(runnerConfigPath);
      const owner = { mode: 0o600, uid: stat?.uid ?? 0, gid: stat?.gid ?? 0 };
      const old = stat === null ? null : Text.of(before, true);
      const kept = regularFile(reader, keptConfigPath);
      const replaced = kept && new Text(kept, true);
      const changes: Change[] = missingDirectories(reader, ahead, "/etc/gitlab-runner", { mode: 0o700 });
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
 * Throws a Problem if the file cannot be replaced, by replacing it with the same content. A mount, chattr(1), a
 * read-only or a full file system cannot be detected in another way. A running gitlab-runner reloads the same
 * configuration.
 */
export function demandReplaceableFile(host: Host): void {
  const [bytes, stat] = [regularFile(host, runnerConfigPath), host.stat(runnerConfigPath)];
  if (bytes === null || stat === null) return;
  try {
    host.writeFile(runnerConfigPath, bytes, { mode: 0o600, uid: stat.uid, gid: stat.gid });
  } catch (error) {
    throw withDiskFault(host, Problem.of(error));
  }
}
