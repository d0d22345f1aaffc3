import { defineCommand } from "citty";
import type { Context } from "./context.ts";
import { outputFlags, wantsColour } from "./flags.ts";

export default defineCommand({
  meta: { name: "doctor", description: "say how healthy this host is, change nothing" },
  args: outputFlags,
  async run({ args, data }) {
    const { examine } = await import("../doctor/doctor.ts");
    const { entries } = await import("../doctor/entries.ts");
    const { bootstrap } = await import("../recipes/bootstrap.ts");
    const { snapshot } = await import("../engine/snapshot.ts");
    const { gatherFacts } = await import("../engine/facts.ts");
    const { host, console } = data as Context;

    const see = snapshot(host);
    const findings = await examine([bootstrap(gatherFacts(see))], entries, see);
    const failed = findings.filter(({ status }) => status === "error").length;
    const exit = failed > 0 ? 1 : 0;
    if (args.json) {
      const { jsonOf } = await import("../report/json.ts");
      console.out(jsonOf({ command: "doctor", outcome: failed > 0 ? "failed" : "ok", exit, findings }));
      return exit;
    }
    const { findingText, paint } = await import("../report/text.ts");
    const colour = paint(console.colour && wantsColour(args));
    for (const finding of findings) {
      if (!args.quiet || finding.status === "error") console.out(findingText(finding, colour));
    }
    if (failed > 0) console.err(`Doctor found ${failed} failing check(s).\n`);
    else if (!args.quiet) console.out("Doctor: host looks ready.\n");
    return exit;
  },
});
