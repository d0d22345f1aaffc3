import type { Document } from "../../../report/schema.ts";
import { lineOf } from "../../../text/lines.ts";
import { sizeText } from "../../../text/size.ts";
import { command } from "../../command.ts";
import { exitCode } from "../../context.ts";
import { outputFlags } from "../../flags.ts";
import { printFound } from "../../view.ts";
import { removablePart, settingsPart } from "./part.ts";

type Part = NonNullable<Document["cleanup"]>;

export default command({
  meta: {
    name: "status",
    description: "Show the free space, what may be removed, and what stays (read-only)",
    long: [
      "It lists what a cleanup would remove, the least recently used first.",
      "Images that stay are listed as well, because only docker image rm removes those.",
      "It exits with 1 if the cleanup is enabled and does not run.",
    ],
    examples: ["sudo edox-ops gitlab-runner cleanup status", "sudo edox-ops gitlab-runner cleanup status --json"],
  },
  args: { json: outputFlags.json },
  async run(values, context) {
    const { survey } = await import("../../../runner/cleanup/run.ts");
    const { readSettings } = await import("../../../runner/cleanup/settings.ts");
    const { unitStates } = await import("../../../runner/cleanup/checks.ts");
    const host = await context.host();
    const part: Part = { enabled: readSettings(host) !== null };
    const warnings: string[] = [];
    if (part.enabled) {
      const { settings, rooms, candidates, inventory, lastUse, fault } = await survey(host, true);
      if (fault !== null) warnings.push(fault);
      const { timer, events } = await unitStates(host);
      Object.assign(part, settingsPart(settings, rooms), {
        timer_active: timer === "active",
        events_active: events === "active",
        removable: candidates.map(removablePart),
        foreign_images: inventory.images
          .filter(({ id }) => (lastUse.images[id]?.origin ?? "foreign") === "foreign")
          .map(({ id, tags, digests, bytes }) => ({ id, name: tags[0] ?? digests[0] ?? id, bytes })),
      });
    }
    const isBroken = part.timer_active === false || part.events_active === false;
    return printFound(context, values.json, {
      document: { ...(warnings.length > 0 && { warnings }), cleanup: part },
      outcome: isBroken ? "failed" : "ok",
      exit: isBroken ? exitCode.failed : exitCode.done,
      async view(view) {
        const { cleanupText } = await import("./status-view.ts");
        return cleanupText(part, warnings, host.now(), view);
      },
      text: () => [...warnings.map((each) => lineOf`warning: ${each}`), ...linesOf(part)].join(""),
    });
  },
});

function linesOf(part: Part): string[] {
  if (!part.enabled) return ["enabled: no\n"];
  const { disks = [], removable = [], foreign_images: foreign = [], unused_for_days: days } = part;
  return [
    "enabled: yes\n",
    lineOf`timer_active: ${part.timer_active ? "yes" : "no"}`,
    lineOf`events_active: ${part.events_active ? "yes" : "no"}`,
    lineOf`unused_for_days: ${days ?? "never"}`,
    ...disks.map(({ path, bytes_free: free, bytes_wanted: wanted }) => {
      return lineOf`disk ${path}: ${sizeText(free)} free, ${sizeText(wanted)} wanted`;
    }),
    ...removable.map(({ kind, name, bytes, last_used }) => {
      return lineOf`removable ${kind} ${name}: ${sizeText(bytes)}, last used ${last_used}`;
    }),
    ...foreign.map(({ name, bytes }) => lineOf`stays image ${name}: ${sizeText(bytes)}`),
  ];
}
