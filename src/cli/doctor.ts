import type { Host } from "../host/host.ts";
import { usage } from "./arguments.ts";
import { command, type Values } from "./command.ts";
import { type Context, exitCode } from "./context.ts";
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
      "sudo edox-ops doctor --openmetrics edox-ops.prom",
    ],
  },
  args: doctorFlags,
  async run(values, context) {
    const { isFailure } = await import("../report/findings.ts");
    const { console } = context;
    const host = await context.host();
    if (values.openmetrics === "-" && values.json) throw usage("--openmetrics - and --json are mutually exclusive");
    if (values.inventory) {
      await (await import("../bundle/inventory.ts")).writeInventory(host, values.inventory);
      return exitCode.done;
    }

    // With --fix the host is checked, and repaired from the bundle.
    const bundle = values.fix ? undefined : values.bundle;
    let startedMs = performance.now();
    let examination = await examine(host, values, bundle, context);
    if (values.fix && examination.repair !== null) {
      const { change } = await import("./run.ts");
      const { recipe, only } = examination.repair;
      const exit = await change(() => recipe, { ...values, only }, context);
      if (exit !== exitCode.done || values.json || values["dry-run"] || values.check) return exit;
      startedMs = performance.now();
      examination = await examine(host, values, bundle, context);
    }

    const { findings, neverSetUp } = examination;
    const strict = values.strict === true;
    const failed = findings.some((each) => isFailure(each, strict));
    const exit = failed ? exitCode.failed : exitCode.done;
    if (values.junit) {
      const { junitOf } = await import("../report/junit.ts");
      if (host.stat(values.junit) !== null) host.remove(values.junit);
      host.append(values.junit, junitOf(findings, strict), 0o644);
    }
    if (values.openmetrics) {
      const { metricsOf } = await import("../doctor/metrics.ts");
      const { openmetricsOf } = await import("../report/openmetrics.ts");
      const text = openmetricsOf(await metricsOf(host, findings));
      if (values.openmetrics === "-") {
        await console.out(text);
        return exit;
      }
      (await import("../problem/output-file.ts")).writeOutput(host, values.openmetrics, text);
    }
    const { styleFor } = await import("../run/environment.ts");
    const style = styleFor(context, "out", !values["no-color"]);
    if (values.json) {
      const { findingsOf, jsonOf } = await import("../report/json.ts");
      const unknown = !strict && findings.some(({ status }) => status === "unknown");
      const outcome = failed ? "failed" : unknown ? "unknown" : "ok";
      await console.out(jsonOf({ command: "doctor", outcome, exit, findings: findingsOf(findings, style) }));
      return exit;
    }
    const view = { findings, strict, quiet: values.quiet === true, isRoot: host.uid === 0, bundle };
    const width = console.width("out");
    if (width !== null) {
      const { findingsAtTerminal } = await import("../report/findings-at-terminal.ts");
      const milliseconds = performance.now() - startedMs;
      await console.out(
        findingsAtTerminal({ ...view, all: values.all === true, neverSetUp, milliseconds, width }, style),
      );
      return exit;
    }
    const { findingsText } = await import("../report/findings.ts");
    const { out, err } = findingsText(view, style);
    await console.out(out);
    if (err !== "") console.err(err);
    return exit;
  },
});

async function examine(host: Host, values: Values, bundle: string | undefined, context: Context) {
  const policy = bundlePolicyOf(values);
  if (bundle) {
    const { examineBundle } = await import("../doctor/bundle.ts");
    const { snapshot } = await import("../engine/snapshot.ts");
    return { findings: await examineBundle(snapshot(host), bundle, policy), repair: null, neverSetUp: [] };
  }
  return (await import("./examine.ts")).examineHost(host, context, values.online === true);
}
