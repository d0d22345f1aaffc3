import type { Manifest } from "../backup/contents.ts";
import type { OldHost } from "../backup/moved.ts";
import type { Restored } from "../backup/restore.ts";
import { askFirst, unconfirmed } from "../run/confirmation.ts";
import { convergeRecipe } from "../run/recipes.ts";
import type { Session } from "../run/session.ts";
import { usage } from "./arguments.ts";
import { lockBackups } from "./backup/access.ts";
import { repositoryFlags, typedAccess } from "./backup/repository-flags.ts";
import { partsFlag, partsOf, restoreIn } from "./backup/restoring.ts";
import { command } from "./command.ts";
import { bundleFlags, confirmationFlags, editFlags, runOptionsOf } from "./flags.ts";
import { editWaitMs, run } from "./run.ts";

export default command({
  meta: {
    name: "restore-host",
    description: "Set up this host from the backup of another one",
    long: [
      "It installs what is needed, and restores sites, certificates and runners from a repository.",
      "The host must not have sites or another repository yet: for one with sites, use backup restore.",
      "At its end it lists what differs from the old host, and runs doctor.",
      "Until the names in the DNS lead to this host, the old one still serves the sites.",
    ],
    examples: [
      "sudo edox-ops restore-host --repo sftp:web1@nas:/srv/backup --password-file password --yes",
      "sudo edox-ops restore-host --repo /mnt/stick/backup --password-file password --from web1 --dry-run",
    ],
  },
  args: {
    ...repositoryFlags,
    from: { type: "string", valueHint: "host", description: "Name of the old host, if the repository has several" },
    snapshot: { type: "string", valueHint: "id", description: "Id of the snapshot; the newest one by default" },
    ...partsFlag,
    ...confirmationFlags,
    ...editFlags,
    ...bundleFlags,
  },
  async run({ only, ...values }, context) {
    const { hostName } = await import("../host/host-name.ts");
    const { shownLocation } = await import("../backup/repository.ts");
    const { packagesRecipe, settingsRecipe } = await import("../backup/recipe.ts");
    const { demandBare, recordMove, restoreSettings } = await import("../backup/moved.ts");
    const { movingPath } = await import("../backup/paths.ts");
    const { listSnapshots } = await import("../backup/snapshots.ts");
    const { movedSnapshot, unopened } = await import("../backup/moved-snapshot.ts");
    const { demandPacked } = await import("../bundle/fit.ts");
    const { packagesFor } = await import("../backup/restic.ts");
    const { installedPackage } = await import("../apt/dpkg.ts");
    const { environmentText, readSettings, secretText } = await import("../backup/settings.ts");
    const { bootstrap, packages: hostPackages } = await import("../bootstrap/recipe.ts");
    const { demandBundle } = await import("../run/recipes.ts");
    if (values.repo !== undefined && values["password-file"] === undefined) {
      throw usage("--password-file is missing: its first line is the password of the repository");
    }
    const parts = partsOf(only);
    const host = await context.host();
    const access = typedAccess(host, values);
    const opening = (["repo", "password-file", "environment-file"] as const).flatMap((name) => {
      return values[name] === undefined ? [] : [`--${name}`, values[name]];
    });
    await demandBare(host, access.repository.location, opening);
    // What was chosen on this host since an earlier run stays.
    const own = readSettings(host);
    /** The new host goes on under the name of the old one, so that a restore finds the snapshots of both. */
    const recorded = (from: string, old: OldHost | null) => ({
      settings: {
        ...{ repository: access.repository.location, host: from },
        with_releases: own?.with_releases || (old?.backups?.with_releases ?? false),
        keep: own?.keep ?? old?.backups?.keep ?? null,
      },
      password: secretText(access.password),
      environment: environmentText(access.environment),
    });
    const packages = () => packagesRecipe("restore-host", access.repository);
    const { dryRun, yes } = runOptionsOf(values);
    if (!(yes || dryRun || context.console.interactive())) throw unconfirmed(context.command, context.typed);
    const shown = shownLocation(access.repository.location);
    return run(values, context, async (session) => {
      if (!dryRun) session.demandRoot();
      await askFirst(session, () => `Set up this host, and restore ${parts.join(", ")} from ${shown}?`);
      const terms = { lockWaitMs: editWaitMs };
      await demandBundle(session);
      // Without one of these, the host would stay half set up.
      if (session.bundle) demandPacked(host, session.bundle, [...packagesFor(access), ...hostPackages]);
      if (!(await convergeRecipe(session, packages, terms))) return;
      // Without restic, a dry run cannot look into the repository.
      const isReadable = installedPackage(host, "restic") !== null;
      const listed = async () => {
        try {
          return await listSnapshots(host, access, null);
        } catch (error) {
          throw unopened(error, access.repository.location);
        }
      };
      const all = isReadable ? await listed() : null;
      const snapshot = all && movedSnapshot(all, values, context.typed);
      if (!(await convergeRecipe(session, bootstrap, terms))) return;
      const name = snapshot?.host ?? hostName(host);
      const record = (old: OldHost | null) => () => settingsRecipe("restore-host", recorded(name, old));
      if (!(await convergeRecipe(session, record(null), terms))) return;
      const { program } = context;
      const trees = await context.trees();
      if (!dryRun) await lockBackups(session);
      // A run that is interrupted from here on can be repeated.
      const keepsSinceMs = dryRun ? undefined : recordMove(session.host, access.repository.location);
      const found: OldHost[] = [];
      const also = (manifest: Manifest) => void found.push(restoreSettings(session.host, trees, manifest));
      const restored = await restoreIn(session, trees, { access, snapshot, parts, program, keepsSinceMs, also });
      const [old] = found;
      if (restored === null || old === undefined) return;
      const { keep, with_releases } = old.backups ?? {};
      const isAsRecorded = !keep && !with_releases;
      if (!isAsRecorded && !(await convergeRecipe(session, record(old), terms))) return;
      await reportIn(session, restored, old, program);
      trees.remove(movingPath);
    });
  },
});

/** Reports what differs from the old host. Throws a Problem if something was not restored. */
async function reportIn(session: Session, restored: Restored, old: OldHost, program: string): Promise<void> {
  const { differences } = await import("../backup/moved.ts");
  const { doctorFailures } = await import("../backup/own-program.ts");
  const { demandWhole } = await import("../backup/restore.ts");
  const { host } = session;
  for (const each of await differences(host, old)) await session.warn(each);
  for (const each of await doctorFailures(host, program)) await session.warn(`doctor: ${each}`);
  demandWhole(restored);
}
