// A restore in a session, for backup restore and restore-host.

import type { Manifest } from "../../backup/contents.ts";
import { type Restorable, restorable } from "../../backup/fetched.ts";
import type { Restored } from "../../backup/restore.ts";
import type { Access } from "../../backup/settings.ts";
import { type Snapshot, shortLength } from "../../backup/snapshots.ts";
import type { Trees } from "../../host/trees.ts";
import type { Session } from "../../run/session.ts";
import { few, lineOf } from "../../text/lines.ts";
import { nearestName } from "../../text/nearest-name.ts";
import { usage } from "../arguments.ts";
import type { Arguments } from "../command.ts";
import { editWaitMs } from "../run.ts";

export const partsFlag = {
  only: {
    type: "string",
    group: "Advanced",
    valueHint: "part,...",
    description: "Restore only these parts: sites, certs, runner",
  },
} as const satisfies Arguments;

/** Returns the typed parts, all of them by default. */
export function partsOf(typed: string | undefined): Restorable[] {
  if (typed === undefined) return [...restorable];
  return typed.split(",").map((each) => {
    const part = restorable.find((name) => name === each);
    if (part !== undefined) return part;
    throw usage(`unknown part '${each}' for --only: there are ${restorable.join(", ")}`, nearestName(each, restorable));
  });
}

interface Restoring {
  access: Access;
  /** null: a dry run that cannot look into the repository. */
  snapshot: Snapshot | null;
  parts: readonly Restorable[];
  /** The path of this program. */
  program: string;
  /** When restore-host began to set up this host. See {@link RestoreTools}. */
  keepsSinceMs?: number | undefined;
  /** Takes from the fetched snapshot what no part has. */
  also?(manifest: Manifest): void;
}

/**
 * Restores parts of a snapshot with what they need, or plans that in a dry run. Returns what was restored; null in a dry
 * run.
 */
export async function restoreIn(
  session: Session,
  trees: Trees,
  { access, snapshot, parts, program, keepsSinceMs, also }: Restoring,
): Promise<Restored | null> {
  const { host, options, stop } = session;
  const named = snapshot === null ? "the newest snapshot" : `snapshot ${snapshot.id.slice(0, shortLength)}`;
  const title = `${parts.join(", ")} are restored from ${named}`;
  const step = { id: "backup.restore", title, action: `Restoring ${named}` };
  if (options.dryRun || snapshot === null) {
    await session.operation(
      step,
      () => {},
      () => ({ outcome: "pending", warnings: [] }),
    );
    session.say(lineOf`Would restore ${parts.join(", ")} from ${named}.`);
    const { planRestore } = await import("./restore-plan.ts");
    await planRestore(session, { access, snapshot, parts });
    return null;
  }
  const { completeIn } = await import("./completing.ts");
  const { fetchSnapshot } = await import("../../backup/fetched.ts");
  const { nothingRestored, restore } = await import("../../backup/restore.ts");
  const { restoredDir } = await import("../../backup/paths.ts");
  const { markUnfinished, unfinishedParts } = await import("../../backup/unfinished.ts");
  const { throwIfInterrupted } = await import("../../problem/wait.ts");
  const unfinished = unfinishedParts(host);
  const needsAll = keepsSinceMs !== undefined || unfinished.length > 0;
  const lockHost = (path: string) => session.lock("host", path, editWaitMs);
  const restored = nothingRestored();
  const done = async () => {
    // A killed restore has left its files.
    trees.remove(restoredDir);
    try {
      const manifest = await fetchSnapshot(host, access, snapshot, parts);
      throwIfInterrupted(stop);
      if (manifest.unknown.length > 0) {
        restored.warnings.push(`not restored, because this version does not know it: ${few(manifest.unknown)}`);
      }
      markUnfinished(host, [...new Set([...unfinished, ...parts])]);
      session.keeps("what was restored before is kept");
      await restore({ host, trees, program, lockHost, stop, keepsSinceMs }, parts, manifest, restored);
      also?.(manifest);
      return manifest;
    } finally {
      // They hold secrets, and what was restored is in its place.
      trees.remove(restoredDir);
    }
  };
  let manifest: Manifest;
  try {
    manifest = await session.operation(step, done, () => ({ outcome: "changed", warnings: [] }));
  } finally {
    // A restore that an error ends has restored something before.
    await reportRestored(session, snapshot, restored);
  }
  const isUnneeded = restored.failed.length + restored.kept.length === 0 && linesOf(restored).length === 0;
  if (isUnneeded) session.say(lineOf`Nothing to restore: this host has what is in ${named}.`);
  await completeIn(session, { parts, restored, manifest, program, needsAll });
  if (restored.failed.length === 0)
    markUnfinished(
      host,
      unfinished.filter((each) => !parts.includes(each)),
    );
  return restored;
}

async function reportRestored(session: Session, snapshot: Snapshot, restored: Restored): Promise<void> {
  for (const each of restored.warnings) await session.warn(each);
  const { projects, deployed, kept, certificates, certbot_files, runners } = restored;
  if (kept.length > 0) {
    const anyway = `sudo edox-ops backup restore --snapshot ${snapshot.id.slice(0, shortLength)} --only sites`;
    await session.warn(`sites that are newer on this host are kept: ${few(kept)}; replace them with ${anyway}`);
  }
  session.include({
    restored: { snapshot: snapshot.id, projects, deployed, kept, certificates, certbot_files, runners },
  });
  session.say(...linesOf(restored));
}

function linesOf({ projects, deployed, certificates, certbot_files, runners }: Restored): string[] {
  const lines: [string, readonly string[]][] = [
    ["Restored projects", projects],
    ["Deployed from the snapshot", deployed],
    ["Restored certificates", certificates],
    ["Restored files of certbot", certbot_files],
    ["Restored runners", runners ? ["/etc/gitlab-runner/config.toml"] : []],
  ];
  return lines.flatMap(([what, names]) => (names.length > 0 ? [lineOf`${what}: ${few(names)}.`] : []));
}
