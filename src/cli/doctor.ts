import { type Finding, isHealthy } from "../engine/finding.ts";
import { command } from "./command.ts";
import { exitCode } from "./context.ts";
import { bundlePolicyOf, doctorFlags } from "./flags.ts";

export default command({
  meta: {
    name: "doctor",
    description: "Check the health of this host (read-only)",
    long: [
      "It checks packages, nginx, sites, certificates, runners and the system itself.",
      "Each problem is printed with the command that fixes it.",
      "With --fix it applies these fixes after a confirmation.",
      "The exit code is 1 if a check fails.",
    ],
    examples: [
      "sudo edox-ops doctor",
      "sudo edox-ops doctor --fix",
      "sudo edox-ops doctor --strict --junit doctor.xml",
    ],
  },
  args: doctorFlags,
  async run(values, context) {
    const { examineFeatures } = await import("../doctor/collect.ts");
    const { features } = await import("./features.ts");
    const { snapshot } = await import("../engine/snapshot.ts");
    const { styleOf } = await import("../report/style.ts");
    const { shellLine } = await import("../text/lines.ts");
    const { console, hint } = context;
    const host = await context.host();
    if (values.inventory) {
      const { inventoryText, takeInventory } = await import("../bundle/inventory.ts");
      const file = host.createFile(values.inventory, { mode: 0o644 });
      try {
        file.write(new TextEncoder().encode(inventoryText(await takeInventory(host))));
        file.commit();
      } finally {
        file.abort();
      }
      return exitCode.done;
    }

    let { findings, repair } = await examineHost();
    if (values.fix && repair !== null) {
      const { change } = await import("./run.ts");
      const { recipe, only } = repair;
      const exit = await change(() => recipe, { ...values, only }, context);
      if (exit !== exitCode.done || values.json || values["dry-run"] || values.check) return exit;
      ({ findings, repair } = await examineHost());
    }

    const failing = (status: Finding["status"]): boolean =>
      status === "error" || (values.strict === true && !isHealthy(status));
    const failed = findings.filter(({ status }) => failing(status)).length;
    const exit = failed > 0 ? exitCode.failed : exitCode.done;
    const unknown = values.strict ? 0 : findings.filter(({ status }) => status === "unknown").length;
    if (values.junit) {
      const { junitOf } = await import("../report/junit.ts");
      if (host.stat(values.junit) !== null) host.remove(values.junit);
      host.append(values.junit, junitOf(findings, values.strict === true), 0o644);
    }
    const style = styleOf({ colour: !values["no-color"] && console.colour("out"), hint });
    if (values.json) {
      const { findingsOf, jsonOf } = await import("../report/json.ts");
      const outcome = failed > 0 ? "failed" : unknown > 0 ? "unknown" : "ok";
      await console.out(jsonOf({ command: "doctor", outcome, exit, findings: findingsOf(findings, style) }));
      return exit;
    }
    const { findingText } = await import("../report/text.ts");
    const listed = values.quiet ? findings.filter(({ status }) => failing(status)) : findings;
    // A check that only root can perform is neither a failure nor a success.
    const again = host.uid === 0 ? "" : ` (run: ${shellLine(hint(["sudo", "edox-ops", "doctor"]))})`;
    const notChecked = `${unknown} could not be checked${again}.\n`;
    const ready =
      unknown > 0
        ? `Doctor: no check failed, but ${notChecked}`
        : `Doctor: ${values.bundle && !values.fix ? "the bundle fits this host" : "host looks ready"}.\n`;
    const last = values.quiet || failed > 0 ? "" : ready;
    await console.out(listed.map((finding) => findingText(finding, style)).join("") + last);
    if (failed > 0 && unknown > 0 && !values.quiet) console.err(`Doctor: of the others ${notChecked}`);
    if (failed > 0) console.err(`Doctor found ${failed} failing check(s).\n`);
    return exit;

    async function examineHost() {
      const reader = snapshot(host);
      const policy = bundlePolicyOf(values);
      if (values.bundle && !values.fix) {
        const { examineBundle } = await import("../doctor/bundle.ts");
        return { findings: await examineBundle(reader, values.bundle, policy), repair: null };
      }
      return examineFeatures(Object.values(features), {
        reader,
        host,
        trees: context.trees,
        online: values.online === true,
      });
    }
  },
});
