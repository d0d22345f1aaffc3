import type { Host } from "../host/host.ts";
import { UnknownStateError } from "../host/host.ts";
import { command } from "./command.ts";
import { exitCode } from "./context.ts";
import { outputFlags } from "./flags.ts";
import { nextText, rootCommand, viewOf } from "./view.ts";

/** The result of nginx's configuration test. `valid`: null if only root can run the test. */
interface Check {
  valid: boolean | null;
  output: string;
}

export default command({
  meta: {
    name: "status",
    description: "Show whether nginx runs with a valid configuration (read-only)",
    long: [
      "It shows whether nginx is installed and active, and the result of its configuration test.",
      "The test needs root.",
      "The exit code is 0 if the configuration is valid.",
    ],
    examples: ["sudo edox-ops nginx status"],
  },
  args: { json: outputFlags.json },
  async run({ json }, context) {
    const { installedPackage } = await import("../apt/dpkg.ts");
    const { linesOf, shellLine } = await import("../text/lines.ts");
    const { configFault } = await import("../nginx/accepts.ts");
    const { contractLines } = await import("../report/contract-lines.ts");
    const { keepsRunning } = await import("../resources/service.ts");
    const { console, hint } = context;
    const host = await context.host();
    const installed = installedPackage(host, "nginx") !== null;
    const { valid, output } = installed ? await check(host) : { valid: false, output: "" };
    const nginx = { installed, active: await keepsRunning(host, "nginx"), config_valid: valid, config_check: output };
    const exit = valid ? exitCode.done : exitCode.failed;
    if (json) {
      const { jsonOf } = await import("../report/json.ts");
      const outcome = valid === null ? "unknown" : valid ? "ok" : "failed";
      await console.out(jsonOf({ command: "nginx status", outcome, exit, nginx }));
      return exit;
    }
    const view = viewOf(context);
    if (view === null) {
      await console.out(contractLines({ ...nginx, config_valid: valid ?? "unknown" }).join(""));
    } else if (installed) {
      const { details } = await import("../report/table.ts");
      const labels = ["NGINX", "CONFIGURATION", ""];
      const values = [nginx.active ? "active" : "not active", validText(valid), valid ? "" : output];
      await console.out(details(labels, values, view.width));
    } else {
      await console.out(nextText(view, "nginx is not installed.", rootCommand("bootstrap")));
    }
    return exit;

    async function check(host: Host): Promise<Check> {
      if (host.uid === 0) {
        const { code, stderr } = await host.probe(["nginx", "-t"]);
        return { valid: code === 0, output: linesOf(stderr).join("; ") };
      }
      // For a test nginx opens its logs and keys, which other users may not: it would report a valid configuration as
      // invalid.
      try {
        const fault = await configFault(host);
        return { valid: fault === null, output: fault?.reason ?? "the running nginx has loaded it" };
      } catch (error) {
        if (!(error instanceof UnknownStateError)) throw error;
        const again = shellLine(hint(["sudo", "edox-ops", "nginx", "status"]));
        return { valid: null, output: `${error.message} (run: ${again})` };
      }
    }
  },
});

function validText(valid: boolean | null): string {
  return valid === null ? "unknown" : valid ? "valid" : "not valid";
}
