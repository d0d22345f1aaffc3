// What a snapshot has to restore, for a dry run: it is read in the repository, and only the cache of restic is written on this host.

import * as v from "valibot";
import { liveDir, renewalConfigDir } from "../certs/paths.ts";
import { deployKeysPath } from "../deploy-keys/paths.ts";
import { type Change, Text } from "../engine/change.ts";
import { overlay } from "../engine/overlay.ts";
import { projectsPath } from "../engine/paths.ts";
import type { HostReader } from "../host/host.ts";
import { runnerConfigPath } from "../runner/paths.ts";
import { surveyConfig } from "../runner/runners.ts";
import { parseJson } from "../text/json.ts";
import { nameOf, parentOf } from "../text/path.ts";
import { fetchedPath, type Restorable } from "./fetched.ts";
import { fetchedRecords, snapshotFault } from "./records.ts";
import { askRestic, failureOf } from "./restic.ts";
import type { Access } from "./settings.ts";
import type { Snapshot } from "./snapshots.ts";

export interface Offer {
  projects: { slug: string; domain: string }[];
  /** Lineages of certificates. */
  certificates: string[];
  /** The names of runners. */
  runners: string[];
  /** What a restore would not restore, and why. */
  warnings: string[];
}

const nodeSchema = v.object({ struct_type: v.literal("node"), path: v.string(), type: v.string() });
type Node = v.InferOutput<typeof nodeSchema>;

/** Returns what these parts of a snapshot have. Throws a Problem if the repository cannot be read. */
export async function offeredBy(
  reader: HostReader,
  access: Access,
  { id }: Snapshot,
  parts: readonly Restorable[],
): Promise<Offer> {
  const ask = async (word: "ls" | "dump", ...more: readonly string[]): Promise<string> => {
    const output = await askRestic(reader, access, [word, "--no-lock", ...more]);
    if (output.code !== 0) throw await failureOf(reader, output, access);
    return output.stdout;
  };
  const files = [projectsPath, deployKeysPath, runnerConfigPath];
  const dirs = [...new Set([...files.map(parentOf), liveDir, renewalConfigDir])];
  const nodes = nodesIn(await ask("ls", "--json", id, ...dirs));
  const changes: Change[] = [];
  for (const path of files) {
    const isNeeded = parts.includes(path === runnerConfigPath ? "runner" : "sites");
    const text = isNeeded && nodes.some((node) => node.path === path) ? await ask("dump", id, path) : null;
    const to = path === runnerConfigPath ? path : fetchedPath(path);
    // A killed restore may have left its own.
    if (text === null) changes.push({ kind: "removal", path: to, before: Text.of("") });
    else
      changes.push({ kind: "file", path: to, before: null, after: Text.of(text, true), mode: 0o600, uid: 0, gid: 0 });
  }
  const view = overlay(reader, changes);
  const records = fetchedRecords(view);
  return {
    projects: [...records.projects.values()].map(({ slug, domain }) => ({ slug, domain })),
    certificates: parts.includes("certs") ? lineagesIn(nodes) : [],
    ...runnersIn(view, records.warnings),
  };
}

/** Returns the entries that restic listed, each in a line of its own. */
function nodesIn(output: string): Node[] {
  return output.split("\n").flatMap((line) => {
    const found = line.startsWith("{") ? v.safeParse(nodeSchema, parseJson(line)) : null;
    return found?.success ? [found.output] : [];
  });
}

function lineagesIn(nodes: readonly Node[]): string[] {
  const names = nodes.flatMap(({ path, type }) => {
    const name = nameOf(path);
    if (parentOf(path) === liveDir) return type === "dir" ? [name] : [];
    return parentOf(path) === renewalConfigDir && name.endsWith(".conf") ? [name.slice(0, -".conf".length)] : [];
  });
  return [...new Set(names)].sort();
}

function runnersIn(view: HostReader, warnings: readonly string[]): Pick<Offer, "runners" | "warnings"> {
  try {
    const { runners, invalid } = surveyConfig(view);
    const faults = invalid.map((each) => `in the snapshot, ${each}`);
    return { runners: runners.map(({ name }) => name), warnings: [...warnings, ...faults] };
  } catch (error) {
    return { runners: [], warnings: [...warnings, `the runners in the snapshot are invalid: ${snapshotFault(error)}`] };
  }
}
