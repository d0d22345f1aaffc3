import { lineOf, oneLine } from "../../engine/lines.ts";
import { Problem } from "../../engine/step.ts";
import type { Trees } from "../../host/trees.ts";
import { backupNames, backupsOf } from "../../projects/releases.ts";
import { findRestoreSource, readRestores } from "../../projects/restores.ts";
import { theProject } from "../../projects/store.ts";
import { command } from "../command.ts";
import { exitCode } from "../context.ts";
import { slugArgument, slugOf } from "./record.ts";

export default command({
  meta: { name: "list", description: "List the backups, oldest first: name, bytes, path" },
  args: slugArgument,
  async run(values, { console, host: loadHost, trees: loadTrees }) {
    const [host, trees] = [await loadHost(), await loadTrees()];
    const project = await theProject(host, slugOf(values));
    const { slug } = project;
    const names = backupNames(host, slug).toReversed();
    const unread: string[] = [];
    const lines = names.map((name) => {
      const dir = `${backupsOf(slug)}/${name}`;
      return lineOf`${name}\t${bytesIn(dir, trees, unread)}\t${dir}`;
    });
    for (const fault of unread) console.err(`warning: ${oneLine(fault)}\n`);
    const newest = names.at(-1);
    const last = newest === undefined ? "No deploy backups for this project.\n" : `Newest backup: ${newest}\n`;
    const restores = readRestores(host, slug);
    const left = names.filter((name) => restores.has(name));
    const from = findRestoreSource(host, trees, project);
    const more = [
      ...(left.length > 0 ? [`Left by a restore: ${left.join(", ")}\n`] : []),
      ...(from === null ? [] : [`Live release: restored from ${from}\n`]),
    ];
    await console.out([...lines, ...more, last].join(""));
    return unread.length > 0 ? exitCode.failed : exitCode.done;
  },
});

/** Of its files; "-" where they cannot all be read. */
function bytesIn(dir: string, trees: Trees, unread: string[]): number | "-" {
  let bytes = 0;
  try {
    for (const { type, size } of trees.walk(dir)) if (type === "file") bytes += size;
    return bytes;
  } catch (error) {
    unread.push(Problem.of(error).message);
    return "-";
  }
}
