import { defineCommand } from "citty";
import type { Finding } from "../doctor/finding.ts";
import { type Context, exitCode } from "./context.ts";
import { doctorFlags, wantsColour } from "./flags.ts";

export default defineCommand({
  meta: { name: "doctor", description: "say how healthy this host is, change nothing" },
  args: doctorFlags,
  async run({ args, data }) {
    const { examine, stepsToRun } = await import("../doctor/doctor.ts");
    const { entries } = await import("../doctor/entries.ts");
    const { bootstrap } = await import("../recipes/bootstrap.ts");
    const { snapshot } = await import("../engine/snapshot.ts");
    const { gatherFacts } = await import("../engine/facts.ts");
    const { voiceOf } = await import("../report/voice.ts");
    const context = data as Context;
    const { console, hint } = context;
    const host = await context.host();

    let findings = await look();
    const steps = args.fix ? stepsToRun(findings) : [];
    if (steps.length > 0) {
      const { change } = await import("./run.ts");
      const exit = await change(bootstrap, { ...args, only: steps.join(",") }, context);
      if (exit !== exitCode.done || args.json) return exit;
      findings = await look();
    }

    const failing = (status: Finding["status"]): boolean =>
      status === "error" || (args.strict === true && status === "warning");
    const failed = findings.filter(({ status }) => failing(status)).length;
    const exit = failed > 0 ? exitCode.failed : exitCode.done;
    if (args.junit) {
      const { junitOf } = await import("../report/junit.ts");
      if (host.stat(args.junit) !== null) host.remove(args.junit);
      host.append(args.junit, junitOf(findings, args.strict === true), 0o644);
    }
    const voice = voiceOf({ colour: wantsColour(args) && console.colour("out"), hint });
    if (args.json) {
      const { findingsOf, jsonOf } = await import("../report/json.ts");
      const outcome = failed > 0 ? "failed" : "ok";
      await console.out(jsonOf({ command: "doctor", outcome, exit, findings: findingsOf(findings, voice) }));
      return exit;
    }
    const { findingText } = await import("../report/text.ts");
    const told = args.quiet ? findings.filter(({ status }) => failing(status)) : findings;
    const last = args.quiet || failed > 0 ? "" : "Doctor: host looks ready.\n";
    await console.out(told.map((finding) => findingText(finding, voice)).join("") + last);
    if (failed > 0) console.err(`Doctor found ${failed} failing check(s).\n`);
    return exit;

    function look() {
      const see = snapshot(host);
      return examine([bootstrap(gatherFacts(see))], entries, see);
    }
  },
});
