// What a host that was restored from another one must have, and what differs from the old host.

import { presentVersion } from "../apt/dpkg.ts";
import { ownAddresses } from "../certs/issue/addresses.ts";
import { deployKeysPath } from "../deploy-keys/paths.ts";
import { gatherFacts } from "../engine/facts.ts";
import { stateDir } from "../engine/paths.ts";
import type { Host, HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import type { Trees } from "../host/trees.ts";
import { Problem } from "../problem/problem.ts";
import { runnerConfigPath } from "../runner/paths.ts";
import { namesOf } from "../sites/project.ts";
import { readRecords } from "../sites/store.ts";
import { few } from "../text/lines.ts";
import type { Manifest } from "./contents.ts";
import { fetchedPath, putMissing } from "./fetched.ts";
import { leftPaths, type OldFile, oldFiles } from "./left.ts";
import { movingPath, settingsPath } from "./paths.ts";
import { snapshotFault } from "./records.ts";
import { isSameRepository, shownLocation } from "./repository.ts";
import { setUpCommands } from "./set-up.ts";
import { readSettings, type Settings } from "./settings.ts";
import { makeBackupDir } from "./state.ts";

const resolveLimitMs = 5000;

/**
 * Throws a Problem if this host is backed up to another repository, whose settings and password would be replaced, or if
 * it has sites, because a restore would mix two hosts. The sites of a restore-host from the same repository that was
 * interrupted are no reason. `flags`: those that select the repository and open it.
 */
export async function demandBare(reader: HostReader, repository: string, flags: readonly string[]): Promise<void> {
  const other = readSettings(reader)?.repository ?? repository;
  if (!isSameRepository(other, repository)) {
    const message = `this host is backed up to another repository, ${shownLocation(other)}: change that first`;
    throw new Problem("conflict", message, { hint: ["sudo", "edox-ops", "backup", "init", ...flags] });
  }
  if (isMoving(reader, repository)) return;
  const { projects, broken } = await readRecords(reader);
  const slugs = [...projects.keys(), ...broken.keys()];
  if (slugs.length === 0) return;
  const hint = ["sudo", "edox-ops", "backup", "restore", "--dry-run"];
  throw new Problem("conflict", `this host has sites already: ${few(slugs)}`, { hint });
}

/**
 * Records that this host is set up from a repository, until it is complete, or this host is backed up. Returns when that
 * began, in Unix milliseconds: a repeated run keeps what was deployed since.
 */
export function recordMove(host: Host, repository: string): number {
  if (!isMoving(host, repository)) writeMove(host, repository);
  return host.stat(movingPath)?.changedMs ?? Number.POSITIVE_INFINITY;
}

function isMoving(reader: HostReader, repository: string): boolean {
  const moving = textOf(reader, movingPath);
  return moving !== null && isSameRepository(moving, repository);
}

function writeMove(host: Host, repository: string): void {
  makeBackupDir(host);
  host.writeFile(movingPath, new TextEncoder().encode(repository), { mode: 0o600, uid: host.uid, gid: host.uid });
}

/** The settings of the old host that no part of a restore has. */
export interface OldHost {
  /** The settings of its backups; null without any, or for invalid ones. */
  backups: Settings | null;
  /** Why they are invalid. */
  fault: string | null;
  files: OldFile[];
  /** The commands that set up what the restore does not. */
  setUp: string[];
  /** The plugins of certbot, whose packages renewals may need. */
  plugins: string[];
}

/** Settings that take effect with a command of {@link OldHost.setUp}. */
const kept = ["watch.json", "watch", "cleanup.json"];

/** Restores the settings in the fetched snapshot that no command replaces, and returns what else it says. */
export function restoreSettings(host: Host, trees: Trees, manifest: Manifest): OldHost {
  for (const name of kept) {
    const path = `${stateDir}/${name}`;
    putMissing(host, trees, fetchedPath(path), path, 1);
  }
  return {
    ...backupSettings(host),
    files: oldFiles(host, trees, manifest, gatherFacts(host).name),
    setUp: manifest.set_up,
    plugins: Object.keys(manifest.packages).filter((name) => /^python3-certbot-[a-z0-9.+-]+$/.test(name)),
  };
}

function backupSettings(reader: HostReader): Pick<OldHost, "backups" | "fault"> {
  try {
    return { backups: readSettings(reader, fetchedPath(settingsPath)), fault: null };
  } catch (error) {
    return { backups: null, fault: snapshotFault(error) };
  }
}

/** Returns what a person must know or do after a move, each as a sentence. */
export async function differences(reader: HostReader, old: OldHost): Promise<string[]> {
  const { projects } = await readRecords(reader);
  const own = ownAddresses(reader);
  const names = [...projects.values()].flatMap((project) => (project.enabled ? namesOf(project) : []));
  const elsewhere = await Promise.all(
    names.map(async (name) => {
      const { addresses, failure } = await reader.resolve(name, { limitMs: resolveLimitMs });
      if (addresses.some((each) => own.has(each))) return null;
      if (addresses.length > 0) return `${name} leads to ${few(addresses)} in the DNS`;
      return failure === "no-record" ? `${name} has no address in the DNS` : `the DNS did not answer for ${name}`;
    }),
  );
  const setUp = setUpCommands(reader);
  const plugins = old.plugins.filter((name) => presentVersion(reader, name) === null);
  const left = leftPaths(reader, old.files);
  return [
    ...(old.fault === null ? [] : [`the settings of backups in the snapshot are invalid: ${old.fault}`]),
    ...elsewhere.filter((each) => each !== null).map((each) => `${each}: let it lead to an address of this host`),
    ...(reader.stat(runnerConfigPath) !== null
      ? ["the runners have the tokens of the old host: stop gitlab-runner there, or both hosts run the same jobs"]
      : []),
    ...(reader.stat(deployKeysPath) !== null
      ? ["deploy jobs know the SSH host key of the old host: set EDOX_OPS_KNOWN_HOSTS to that of edox-ops project ci"]
      : []),
    ...(plugins.length > 0 ? [`certbot had plugins on the old host: sudo apt-get install ${plugins.join(" ")}`] : []),
    ...old.setUp
      .filter((line) => !setUp.includes(line))
      .map((line) => `set up on the old host, and not on this one yet: sudo edox-ops ${line}`),
    ...(left.length > 0 ? [`not restored, because an admin made it or changed it: ${few(left)}`] : []),
  ];
}
