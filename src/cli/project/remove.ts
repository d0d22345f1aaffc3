import * as v from "valibot";
import type { Facts } from "../../engine/facts.ts";
import type { HostReader } from "../../host/host.ts";
import type { Trees } from "../../host/trees.ts";
import { Problem } from "../../problem/problem.ts";
import { askFirst } from "../../run/confirmation.ts";
import { convergeRecipe } from "../../run/recipes.ts";
import type { Session } from "../../run/session.ts";
import type { TreeSize } from "../../sites/deletion.ts";
import { slug as slugSchema } from "../../sites/project.ts";
import { countOf, few, lineOf, oneLine } from "../../text/lines.ts";
import { sizeText } from "../../text/size.ts";
import { usage } from "../arguments.ts";
import { command } from "../command.ts";
import { confirmationFlags, editFlags, runOptionsOf } from "../flags.ts";
import { editWaitMs, run } from "../run.ts";
import { keyOf, slugArgument } from "./record.ts";
import { type Certificates, certificatesOf } from "./removed-certificates.ts";

const flags = {
  "remove-nginx": { type: "boolean", group: "Advanced", description: "Remove its nginx site (default)" },
  "delete-files": { type: "boolean", description: "Delete its files and backups as well; they cannot be restored" },
  ...confirmationFlags,
  "keep-nginx": { type: "boolean", group: "Advanced", description: "Keep its nginx site in sites-available" },
} as const;

export default command({
  meta: {
    name: "remove",
    description: "Remove a project; keeps its files and backups",
    long: [
      "The site goes offline, and its nginx site and settings are removed.",
      "Files, backups and certificates stay. --delete-files deletes the files, and the certificates of single previews.",
      "Deleted files cannot be restored, so check the sizes with --dry-run first.",
    ],
    examples: [
      "sudo edox-ops project remove docs",
      "sudo edox-ops project remove docs --delete-files --dry-run",
      "sudo edox-ops project remove docs --delete-files --yes",
    ],
  },
  args: { ...slugArgument, ...flags, ...editFlags },
  async run(values, context) {
    const { ownTree, theRecord } = await import("../../sites/store.ts");
    const { dirsOf } = await import("../../sites/deploy/releases.ts");
    const { planDeletion } = await import("../../sites/deletion.ts");
    const { servedNames } = await import("../../sites/serve/names.ts");
    const slug = await keyOf(context.host, values);
    if (values["keep-nginx"] && values["remove-nginx"]) {
      throw usage("--remove-nginx and --keep-nginx cannot be used together");
    }
    const deletes = values["delete-files"] === true;
    const { dryRun } = runOptionsOf(values);
    if (deletes && !(values.yes || dryRun || context.console.interactive())) {
      // The hint never offers the deletion itself first: a dry run lists what would be deleted.
      const hint = ["sudo", "edox-ops", ...context.typed, "--dry-run"];
      const message = `deleting the files and backups of ${slug} needs confirmation: pass --yes to delete them`;
      throw new Problem("not-confirmed", message, { hint });
    }
    return run(values, context, async (session) => {
      const { host } = session;
      if (!dryRun) session.demandRoot();
      const record = await theRecord(host, slug);
      const treeNow = async (): Promise<string | null> => (isSlug(slug) ? ownTree(host, slug) : null);
      const tree = await treeNow();
      if (deletes && tree === null) {
        const message = `project ${slug} has no directory that is its alone: its files and backups are not deleted`;
        const hint = ["sudo", "edox-ops", ...context.typed.filter((word) => word !== "--delete-files")];
        throw new Problem("conflict", message, { hint });
      }
      const dirs = isSlug(slug) ? dirsOf(slug, tree) : [];
      const keeps = values["keep-nginx"] === true;
      const project = "project" in record ? record.project : null;
      const certificates = await certificatesOf(host, project, deletes && !keeps);
      const notes = project === null ? [] : [...(await logNotes(host, slug)), ...certificates.notes];
      const trees = await context.trees();
      const demandSame = await askFirst(session, async () => {
        const names = isSlug(slug) ? await servedNames(host, slug) : [];
        const dirsNow = isSlug(slug) ? dirsOf(slug, await treeNow()) : [];
        return questionOf(slug, names, deletes ? planDeletion(trees, slug, dirsNow) : null);
      });
      if (deletes) return removeWithFiles(session, { slug, dirs, keeps, certificates, notes, trees, demandSame });
      const left = dirs.filter((dir) => host.stat(dir) !== null);
      const isDone = await forget(session, { slug, keeps, demandSame });
      if (isDone && !dryRun) session.say(...left.map((dir) => lineOf`Left ${dir}`), ...notes);
    });
  },
});

/** Returns the question. `trees`: the trees to delete, or null. */
function questionOf(slug: string, names: readonly string[], trees: readonly TreeSize[] | null): string {
  const offline = names.length === 0 ? "" : ` and take ${few(names)} offline`;
  if (trees === null)
    return `The files and backups of ${oneLine(slug)} stay.\nRemove project ${oneLine(slug)}${offline}?`;
  const sizes = trees.map(
    ({ path, files, bytes }) => `  ${oneLine(path)}: ${countOf(files, "file")}, ${sizeText(bytes)}`,
  );
  const list = sizes.length === 0 ? [] : ["This deletes permanently:", ...sizes];
  return [...list, `Remove project ${slug} with its files and backups${offline}?`].join("\n");
}

/** The access log holds addresses of readers, and the rotation of logs deletes no log without new requests. */
async function logNotes(reader: HostReader, slug: string): Promise<string[]> {
  const { accessLogPath } = await import("../../sites/serve/access-log.ts");
  const path = accessLogPath(slug);
  return reader.stat(path) === null ? [] : [lineOf`Left the access log; to delete it: sudo rm ${path}*`];
}

const isSlug = (key: string): boolean => v.is(slugSchema, key);

/** A removal of a record. */
interface Forgetting {
  slug: string;
  /** Whether the nginx site stays in sites-available. */
  keeps: boolean;
  /** Throws a Problem if another run has changed what was confirmed. */
  demandSame?(): Promise<void>;
}

async function forget(session: Session, { slug, keeps, demandSame }: Forgetting): Promise<boolean> {
  const { forgetRecord, removeProject } = await import("../../sites/recipe.ts");
  const recipe = async (facts: Facts) => {
    await demandSame?.();
    return isSlug(slug) ? removeProject(slug, keeps, facts) : forgetRecord(slug);
  };
  // The record goes last: if the command is killed or fails in between, running it again completes it.
  if (!(await forgetKeys(session, slug, demandSame))) return false;
  return convergeRecipe(session, recipe, { lockWaitMs: editWaitMs });
}

/** Removes the deploy keys of the project. Returns whether it succeeded. */
async function forgetKeys(session: Session, slug: string, demandSame: Forgetting["demandSame"]): Promise<boolean> {
  const { authorizedKeysPath, deployKeysPath } = await import("../../deploy-keys/paths.ts");
  if ([deployKeysPath, authorizedKeysPath].every((path) => session.host.stat(path) === null)) return true;
  const { forgetProject } = await import("../../deploy-keys/edit.ts");
  const recipe = async () => {
    await demandSame?.();
    return forgetProject(slug);
  };
  return convergeRecipe(session, recipe, { lockWaitMs: editWaitMs });
}

interface Removal extends Forgetting {
  /** The directories to delete. */
  dirs: string[];
  certificates: Certificates;
  /** What else stays. */
  notes: readonly string[];
  trees: Trees;
}

/**
 * Disables the site first and removes the record last. If the command is killed or fails in between, running it again
 * completes it.
 */
async function removeWithFiles(session: Session, removal: Removal): Promise<void> {
  const { slug, dirs, keeps, certificates, notes, trees } = removal;
  const { deleteTrees, planDeletion } = await import("../../sites/deletion.ts");
  const { disableProject } = await import("../../sites/recipe.ts");
  const { projectLockPath } = await import("../../sites/deploy/releases.ts");
  const { dryRun } = session.options;
  // A running deploy would create the deleted files again.
  if (!dryRun) await session.lock("project", projectLockPath(slug));
  const sizes = planDeletion(trees, slug, dirs);
  if (!dryRun) {
    const disable = async (facts: Facts) => {
      await removal.demandSame?.();
      return disableProject(slug, facts);
    };
    if (!(await convergeRecipe(session, disable, { lockWaitMs: editWaitMs }))) return;
  }
  session.include({ trees: sizes });
  await session.operation(
    { id: "project.delete-files", title: `the files and backups of ${slug} are deleted` },
    () => (dryRun ? undefined : deleteTrees(trees, slug, dirs)),
    () => ({ outcome: sizes.length === 0 ? "ok" : dryRun ? "pending" : "changed", warnings: [] }),
  );
  // They are found by the record of the project.
  if (certificates.deleted.length > 0 && !dryRun) {
    const { deleteUnusedCertificates } = await import("./preview-certificates.ts");
    await deleteUnusedCertificates(session, slug);
  }
  if (!(await forget(session, { slug, keeps }))) return;
  const verb = dryRun ? "Would delete" : "Deleted";
  for (const { path, files, bytes } of sizes) {
    session.say(lineOf`${verb} ${path}: ${countOf(files, "file")}, ${countOf(bytes, "byte")}`);
  }
  if (dryRun) return session.say(...certificates.deleted.map((name) => lineOf`Would delete the certificate ${name}`));
  session.say(...notes);
  const { settleTimer } = await import("./preview-removal.ts");
  await settleTimer(session, "project remove", { removed: [] });
}
