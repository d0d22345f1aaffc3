import { examine } from "../../doctor/doctor.ts";
import { type Finding, isHealthy } from "../../engine/finding.ts";
import { snapshot } from "../../engine/snapshot.ts";
import type { HostPart } from "../../hardening/parts/parts.ts";
import type { HostReader } from "../../host/host.ts";
import type { Document } from "../../report/schema.ts";
import { lineOf, shellLine } from "../../text/lines.ts";
import { command } from "../command.ts";
import { outputFlags } from "../flags.ts";
import { printFound, rootCommand } from "../view.ts";

export type PartStatus = NonNullable<Document["hardening"]>[number];

export default command({
  meta: {
    name: "status",
    description: "Show the parts of the hardening (read-only)",
    long: [
      "Each part is listed with its state, since when, and what differs.",
      "The state is the effective one: what systemd, apt and fail2ban report.",
      "Most of it needs root.",
    ],
    examples: ["sudo edox-ops host status", "sudo edox-ops host status --json"],
  },
  args: { json: outputFlags.json },
  async run(values, context) {
    const { parts } = await import("../../hardening/parts/parts.ts");
    const reader = snapshot(await context.host());
    const found = await Promise.all(parts.map((part) => statusOf(reader, part)));
    return printFound(context, values.json, {
      document: { hardening: found },
      outcome: found.some(({ status }) => status === "unknown") ? "unknown" : "ok",
      async view(view) {
        const { partsText } = await import("./status-view.ts");
        return partsText(found, reader.now(), view);
      },
      text: () =>
        found
          .map(({ part, status, since, differs, command, reason }) => {
            const repair = shellLine(context.hint(command));
            const parts = [
              status,
              ...(since === null ? [] : [`since ${since}`]),
              ...differs.map(({ check, detail }) => `${check}: ${detail}`),
              ...(reason === undefined ? [] : [reason]),
              ...(status === "ok" || command.length === 0 ? [] : [`run ${repair}`]),
            ];
            return lineOf`${part}: ${parts.join("; ")}`;
          })
          .join(""),
    });
  },
});

/** The statuses, the worst one first. */
const order: Finding["status"][] = ["error", "unknown", "warning", "ok"];

async function statusOf(reader: HostReader, part: HostPart): Promise<PartStatus> {
  const command = rootCommand(part.command);
  if (!part.isSetUp(reader)) {
    const reason = part.reasonToSkip?.(reader) ?? null;
    const suggested = reason === null ? { command } : { command: [], reason };
    return { part: part.name, status: "not-set-up", since: null, differs: [], ...suggested };
  }
  const findings = await examine(reader, part.recipe ? [await part.recipe()] : [], (await part.checks?.()) ?? []);
  const status = order.find((each) => findings.some((finding) => finding.status === each)) ?? "ok";
  const changed = reader.stat(part.path)?.changedMs;
  return {
    part: part.name,
    status,
    since: changed === undefined ? null : new Date(changed).toISOString(),
    differs: findings.filter((each) => !isHealthy(each.status)).map(({ name, detail }) => ({ check: name, detail })),
    command: status === "unknown" && reader.uid !== 0 ? rootCommand("host status") : command,
  };
}
