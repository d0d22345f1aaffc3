// What a restore would restore, for its dry run.

import type { Restorable } from "../../backup/fetched.ts";
import type { Access } from "../../backup/settings.ts";
import type { Snapshot } from "../../backup/snapshots.ts";
import { Problem } from "../../problem/problem.ts";
import type { Session } from "../../run/session.ts";
import { lineOf } from "../../text/lines.ts";

interface Planned {
  access: Access;
  /** null: restic is not installed. */
  snapshot: Snapshot | null;
  parts: readonly Restorable[];
}

/** Lists what the snapshot has of these parts. Reports why, if it cannot be read. */
export async function planRestore(session: Session, { access, snapshot, parts }: Planned): Promise<void> {
  const { offeredBy } = await import("../../backup/offered.ts");
  const unknown = (why: string) => session.note({ warnings: [], unknown: [`what the snapshot has: ${why}`] });
  if (snapshot === null) return unknown("restic, which reads it, is not installed yet");
  try {
    const { warnings, ...offer } = await offeredBy(session.host, access, snapshot, parts);
    for (const each of warnings) await session.warn(each);
    session.include({ would_restore: { snapshot: snapshot.id, ...offer } });
    const { projects, certificates, runners } = offer;
    session.say(
      ...projects.map(({ slug, domain }) => lineOf`Project ${slug}: ${domain}`),
      ...certificates.map((name) => lineOf`Certificate ${name}`),
      ...runners.map((name) => lineOf`Runner ${name}`),
    );
    if (projects.length + certificates.length + runners.length === 0) session.say("The snapshot has none of them.\n");
  } catch (error) {
    await unknown(Problem.of(error).message);
  }
}
