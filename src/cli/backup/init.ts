import type { Recorded } from "../../backup/recipe.ts";
import type { Settings } from "../../backup/settings.ts";
import { docsRoot } from "../../engine/paths.ts";
import type { HostReader } from "../../host/host.ts";
import { mountPointOf } from "../../problem/mount-point.ts";
import { confirm, convergeRecipe } from "../../run/recipes.ts";
import type { Session } from "../../run/session.ts";
import { command } from "../command.ts";
import { bundleFlags, confirmationFlags, editFlags } from "../flags.ts";
import { editWaitMs, run } from "../run.ts";
import { repositoryFlags, typedAccess } from "./repository-flags.ts";

/** Returns a warning for a repository that is lost together with the sites, or null. */
function onSameDisk(reader: HostReader, path: string | null): string | null {
  if (path === null || mountPointOf(reader, path) !== mountPointOf(reader, docsRoot)) return null;
  return `${path} is on the disk of the sites: it does not survive the loss of this disk`;
}

export default command({
  meta: {
    name: "init",
    description: "Set up the repository for backups of this host",
    long: [
      "It installs restic, opens the repository or creates it, and records it on this host.",
      "The password encrypts the repository: keep a copy of it away from this host.",
      "Credentials of the storage are never a part of the location, which other users could see.",
      "An existing repository is used as it is.",
    ],
    examples: [
      "sudo edox-ops backup init --repo /mnt/stick/backup --generate --yes",
      "sudo edox-ops backup init --repo sftp:web1@nas:/srv/backup --generate",
      "sudo edox-ops backup init --repo s3:https://s3.example.org/bucket --generate --environment-file s3.env",
    ],
  },
  args: {
    ...repositoryFlags,
    generate: { type: "boolean", description: "Create a password, and write it to /etc/edox-ops/backup-password" },
    "with-releases": { type: "boolean", description: "Keep earlier releases of the sites in the snapshots as well" },
    ...confirmationFlags,
    ...editFlags,
    ...bundleFlags,
  },
  async run(values, context) {
    const { settingsRecipe, packagesRecipe } = await import("../../backup/recipe.ts");
    const { hostName } = await import("../../host/host-name.ts");
    const { environmentText, readSettings, secretText } = await import("../../backup/settings.ts");
    const host = await context.host();
    const access = typedAccess(host, values);
    const { repository } = access;
    const before = readSettings(host);
    const settings: Settings = {
      repository: repository.location,
      host: hostName(host),
      with_releases: values["with-releases"] === true,
      keep: before?.keep ?? null,
    };
    const recorded: Recorded = {
      settings,
      password: secretText(access.password),
      environment: environmentText(access.environment),
    };
    const packages = () => packagesRecipe("backup init", repository);
    const record = () => settingsRecipe("backup init", recorded);
    return run(values, context, async (session) => {
      const both = () => ({ ...record(), steps: [...packages().steps, ...record().steps] });
      const known = await confirm(session, both);
      if (known === null) return;
      const terms = { known, lockWaitMs: editWaitMs };
      if (!(await convergeRecipe(session, packages, terms))) return;
      const isCreated = await createIn(session);
      if (!(await convergeRecipe(session, record, terms))) return;
      const warning = onSameDisk(host, repository.path);
      if (warning !== null) await session.warn(warning);
      if (session.options.dryRun) return;
      session.say(isCreated ? `Created the repository ${settings.repository}.\n` : "Using the existing repository.\n");
      session.say(
        "Keep a copy of /etc/edox-ops/backup-password away from this host: no backup can be read without it.\n",
      );
      session.say("Next: sudo edox-ops backup run, and sudo edox-ops backup enable\n");
    });

    /** Creates the repository, if there is none. Returns whether it did. */
    async function createIn(session: Session): Promise<boolean> {
      const { repositoryId, runRestic } = await import("../../backup/restic.ts");
      const { installedPackage } = await import("../../apt/dpkg.ts");
      const { passwordPath } = await import("../../backup/paths.ts");
      const { dryRun } = session.options;
      const create = async (): Promise<boolean> => {
        // A dry run on a host without restic cannot look into the repository.
        if (dryRun && installedPackage(session.host, "restic") === null) return true;
        if ((await repositoryId(session.host, access)) !== null) return false;
        if (dryRun) return true;
        // A run that is killed now leaves the password, and not a repository that nobody can open.
        if (access.isNew) writeSecret(session);
        await runRestic(session.host, access, ["init"]);
        return true;
      };
      const writeSecret = ({ host: to }: Session): void => {
        if (to.stat("/etc/edox-ops") === null)
          to.makeDirectory("/etc/edox-ops", { mode: 0o750, uid: to.uid, gid: to.uid });
        to.writeFile(passwordPath, recorded.password.bytes, { mode: 0o600, uid: to.uid, gid: to.uid });
      };
      const step = { id: "backup.repository", title: `the repository ${settings.repository} can be opened` };
      return session.operation(step, create, (isNew) => ({
        outcome: isNew ? (dryRun ? "pending" : "changed") : "ok",
        warnings: [],
      }));
    }
  },
});
