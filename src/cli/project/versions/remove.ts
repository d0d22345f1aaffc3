import type { HostReader } from "../../../host/host.ts";
import { Problem } from "../../../problem/problem.ts";
import { askFirst } from "../../../run/confirmation.ts";
import { deleteTrees, planDeletion, type TreeSize } from "../../../sites/deletion.ts";
import type { Project } from "../../../sites/project.ts";
import { theProject } from "../../../sites/store.ts";
import { dirsOfVersion } from "../../../sites/versions/trees.ts";
import { noVersion, readVersions, versionNamed, versionsOf } from "../../../sites/versions/versions.ts";
import { countOf, lineOf, oneLine } from "../../../text/lines.ts";
import { sizeText } from "../../../text/size.ts";
import { command } from "../../command.ts";
import { confirmationFlags, editFlags, runOptionsOf } from "../../flags.ts";
import { run } from "../../run.ts";
import { slugArgument, slugOf } from "../record.ts";
import { convergeVersions, lockVersions, nameIn } from "./edit.ts";

export default command({
  meta: {
    name: "remove",
    description: "Delete a version with its aliases and backups, or remove an alias",
    long: [
      "A deleted version cannot be restored, so check its size with --dry-run first.",
      "The name of an alias removes only the alias.",
      "The default version stays until another one is the default.",
    ],
    examples: [
      "sudo edox-ops project versions remove docs 1.2 --dry-run",
      "sudo edox-ops project versions remove docs 1.2 --yes",
    ],
  },
  args: {
    ...slugArgument,
    name: { type: "positional", completes: "version", description: "The version or the alias" },
    ...confirmationFlags,
    ...editFlags,
  },
  async run(values, context) {
    const slug = slugOf(values);
    const name = nameIn(values, "name");
    const { dryRun, yes } = runOptionsOf(values);
    const trees = await context.trees();
    /** Returns the trees to delete; none for an alias. */
    const planned = async (reader: HostReader): Promise<TreeSize[]> => {
      const project = await theProject(reader, slug);
      return isAlias(reader, project, name) ? [] : planDeletion(trees, slug, dirsOfVersion(slug, name));
    };
    if (!(yes || dryRun || context.console.interactive()) && (await planned(await context.host())).length > 0) {
      // The hint never offers the deletion itself first: a dry run lists what would be deleted.
      const hint = ["sudo", "edox-ops", ...context.typed, "--dry-run"];
      const message = `deleting version ${name} of ${slug} needs confirmation: pass --yes to delete it`;
      throw new Problem("not-confirmed", message, { hint });
    }
    return run(values, context, async (session) => {
      const { host } = session;
      const demandSame = await askFirst(session, async (reader) => questionOf(slug, name, await planned(reader)));
      await lockVersions(session, context, slug);
      await demandSame();
      const sizes = await planned(host);
      const texts = { command: `project versions remove ${slug} ${name}`, done: `Removed ${name} of project ${slug}.` };
      const change = sizes.length === 0 ? { slug, aliases: new Map([[name, null]]) } : { slug, removed: name };
      // The list and the aliases change first: if that fails, nothing was deleted.
      if (!(await convergeVersions(session, texts, change)) || sizes.length === 0) return;
      session.include({ trees: sizes });
      await session.operation(
        { id: "project.versions.remove", title: `the files and backups of ${slug} ${name} are deleted` },
        () => {
          if (dryRun) return;
          // The version itself goes last: a removal that is killed before can be repeated.
          deleteTrees(trees, slug, dirsOfVersion(slug, name).toReversed());
          if (host.list(versionsOf(slug))?.length === 0) host.remove(versionsOf(slug));
        },
        () => ({ outcome: dryRun ? "pending" : "changed", warnings: [] }),
      );
      const verb = dryRun ? "Would delete" : "Deleted";
      for (const { path, files, bytes } of sizes) {
        session.say(lineOf`${verb} ${path}: ${countOf(files, "file")}, ${countOf(bytes, "byte")}`);
      }
    });
  },
});

/** Returns whether the name is an alias. Throws a Problem if it stands for nothing, or is the default. */
function isAlias(reader: HostReader, { slug, default_version }: Project, name: string): boolean {
  const found = readVersions(reader, slug);
  const alias = found.aliases.has(name);
  if (!alias && versionNamed(found, name) === null) throw noVersion(slug, name);
  const preferred = default_version === undefined ? null : versionNamed(found, default_version);
  if (name !== default_version && (alias || preferred?.name !== name)) return alias;
  const by = name === default_version ? "" : ` (as ${default_version})`;
  const others = found.versions.find((version) => version.name !== preferred?.name);
  const hint = ["sudo", "edox-ops", "project", "versions", "default", slug, others?.name ?? "none"];
  throw new Problem("conflict", `${name} is the default version of ${slug}${by}: choose another one first`, { hint });
}

function questionOf(slug: string, name: string, sizes: readonly TreeSize[]): string {
  if (sizes.length === 0) return `Remove the alias ${name} of ${slug}?`;
  const list = sizes.map(
    ({ path, files, bytes }) => `  ${oneLine(path)}: ${countOf(files, "file")}, ${sizeText(bytes)}`,
  );
  return ["This deletes permanently:", ...list, `Remove version ${name} of ${slug}?`].join("\n");
}
