import { type Snapshot, shortLength } from "../../backup/snapshots.ts";
import { lineOf } from "../../text/lines.ts";
import { command } from "../command.ts";
import { outputFlags } from "../flags.ts";
import { printFound } from "../view.ts";
import { recordedAccess } from "./access.ts";

export default command({
  meta: {
    name: "list",
    description: "List the snapshots in the repository, oldest first",
    long: [
      "Each snapshot is listed with its id, its time and its host.",
      "Give the id to backup restore --snapshot.",
      "Snapshots of other programs in the same repository are not listed.",
    ],
    examples: ["sudo edox-ops backup list", "sudo edox-ops backup list --json"],
  },
  args: { json: outputFlags.json },
  async run(values, context) {
    const { listSnapshots } = await import("../../backup/snapshots.ts");
    const host = await context.host();
    const snapshots = await listSnapshots(host, recordedAccess(host).access, null);
    return printFound(context, values.json, {
      document: {
        snapshots: snapshots.map(({ id, timeMs, host: name }) => ({ id, time: timeOf(timeMs), host: name })),
      },
      async view(view) {
        const { snapshotsText } = await import("./list-view.ts");
        return snapshotsText(snapshots, host.now(), view);
      },
      text: () => (snapshots.length === 0 ? "No snapshots yet.\n" : snapshots.map(lineFor).join("")),
    });
  },
});

function lineFor({ id, timeMs, host }: Snapshot): string {
  return lineOf`${id.slice(0, shortLength)}\t${timeOf(timeMs)}\t${host}`;
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
