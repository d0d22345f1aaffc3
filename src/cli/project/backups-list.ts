import { listBackups } from "../../sites/deploy/backups.ts";
import { findRestoreSource } from "../../sites/deploy/restores.ts";
import { theProject } from "../../sites/store.ts";
import { siteTarget, versionTarget } from "../../sites/target.ts";
import { lineOf, oneLine } from "../../text/lines.ts";
import { command } from "../command.ts";
import { exitCode } from "../context.ts";
import { outputFlags } from "../flags.ts";
import { printFound } from "../view.ts";
import { slugArgument, slugOf } from "./record.ts";
import { asFlag, demandVersion, versionOf } from "./version-flags.ts";

export default command({
  meta: {
    name: "list",
    description: "List the backups of a project, oldest first",
    long: ["Each backup is listed with its name, its size and its path.", "Give the name to project restore --backup."],
    examples: ["sudo edox-ops project backups list docs", "sudo edox-ops project backups list docs --as 1.4 --json"],
  },
  args: { ...slugArgument, ...asFlag, json: outputFlags.json },
  async run(values, context) {
    const [host, trees] = [await context.host(), await context.trees()];
    const project = await theProject(host, slugOf(values));
    const version = versionOf(values);
    if (version !== null) demandVersion(host, project.slug, version);
    const target = version === null ? siteTarget(project) : versionTarget(project.slug, version);
    const unread: string[] = [];
    const backups = listBackups(host, trees, target.key, unread);
    const from = findRestoreSource(host, trees, target);
    if (!values.json) for (const fault of unread) context.console.err(`warning: ${oneLine(fault)}\n`);
    return printFound(context, values.json, {
      document: { warnings: unread, backups, restored_from: from },
      outcome: unread.length > 0 ? "failed" : "ok",
      exit: unread.length > 0 ? exitCode.failed : exitCode.done,
      async view(view) {
        const { backupsText } = await import("./backups-view.ts");
        const selected = version === null ? project.slug : `${project.slug} --as ${version}`;
        return backupsText({ selected, backups, from, nowMs: host.now() }, view);
      },
      async text() {
        const { restoreNotes } = await import("./backups-view.ts");
        const newest = backups.at(-1);
        return [
          ...backups.map(({ name, path, bytes }) => lineOf`${name}\t${bytes ?? "-"}\t${path}`),
          ...restoreNotes(backups, from).map((note) => `${note}\n`),
          newest === undefined ? "No deploy backups for this project.\n" : `Newest backup: ${newest.name}\n`,
        ].join("");
      },
    });
  },
});
