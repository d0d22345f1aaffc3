import { defineCommand } from "citty";
import { type Context, exitCode } from "./context.ts";
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
    const { voiceOf } = await import("../report/voice.ts");
    const { host, console, hint } = data as Context;

    const see = snapshot(await host());
    const findings = await examine([bootstrap(gatherFacts(see))], entries, see);
    const failed = findings.filter(({ status }) => status === "error").length;
    const exit = failed > 0 ? exitCode.failed : exitCode.done;
    const voice = voiceOf({ colour: wantsColour(args) && console.colour("out"), hint });
    if (args.json) {
      const { findingsOf, jsonOf } = await import("../report/json.ts");
      const outcome = failed > 0 ? "failed" : "ok";
      await console.out(jsonOf({ command: "doctor", outcome, exit, findings: findingsOf(findings, voice) }));
      return exit;
    }
    const { findingText } = await import("../report/text.ts");
    const told = args.quiet ? findings.filter(({ status }) => status === "error") : findings;
    const last = args.quiet || failed > 0 ? "" : "Doctor: host looks ready.\n";
    await console.out(told.map((finding) => findingText(finding, voice)).join("") + last);
    if (failed > 0) console.err(`Doctor found ${failed} failing check(s).\n`);
    return exit;
  },
});
