import { listBackups } from "../../sites/deploy/backups.ts";
import { findRestoreSource } from "../../sites/deploy/restores.ts";
import { theProject } from "../../sites/store.ts";
import { lineOf, oneLine } from "../../text/lines.ts";
import { command } from "../command.ts";
import { exitCode } from "../context.ts";
import { outputFlags } from "../flags.ts";
import { viewOf } from "../view.ts";
import { slugArgument, slugOf } from "./record.ts";

export default command({
  meta: {
    name: "list",
    description: "List the backups of a project, oldest first",
    long: ["Each backup is listed with its name, its size and its path.", "Give the name to project restore --backup."],
    examples: ["sudo edox-ops project backups list docs", "sudo edox-ops project backups list docs --json"],
  },
  args: { ...slugArgument, json: outputFlags.json },
  async run(values, context) {
    const { console } = context;
    const [host, trees] = [await context.host(), await context.trees()];
    const project = await theProject(host, slugOf(values));
    const unread: string[] = [];
    const backups = listBackups(host, trees, project.slug, unread);
    const from = findRestoreSource(host, trees, project);
    const exit = unread.length > 0 ? exitCode.failed : exitCode.done;
    if (values.json) {
      const { jsonOf } = await import("../../report/json.ts");
      const outcome = unread.length > 0 ? "failed" : "ok";
      const document = { command: "project backups list", outcome, exit, warnings: unread, backups } as const;
      await console.out(jsonOf({ ...document, restored_from: from }));
      return exit;
    }
    for (const fault of unread) console.err(`warning: ${oneLine(fault)}\n`);
    const view = viewOf(context);
    if (view !== null) {
      const { backupsText } = await import("./backups-view.ts");
      await console.out(backupsText({ slug: project.slug, backups, from, nowMs: host.now() }, view));
      return exit;
    }
    const lines = backups.map(({ name, path, bytes }) => lineOf`${name}\t${bytes ?? "-"}\t${path}`);
    const newest = backups.at(-1);
    const last = newest === undefined ? "No deploy backups for this project.\n" : `Newest backup: ${newest.name}\n`;
    const left = backups.filter((backup) => backup.left_by_restore).map(({ name }) => name);
    const more = [
      ...(left.length > 0 ? [`Left by a restore: ${left.join(", ")}\n`] : []),
      ...(from === null ? [] : [`Live release: restored from ${from}\n`]),
    ];
    await console.out([...lines, ...more, last].join(""));
    return exit;
  },
});
