import type { Host } from "../host/host.ts";
import { UnknownStateError } from "../host/host.ts";
import { command } from "./command.ts";
import { exitCode } from "./context.ts";
import { outputFlags } from "./flags.ts";
import { linesText, printFound, rootCommand } from "./view.ts";

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
    const { hint } = context;
    const host = await context.host();
    const installed = installedPackage(host, "nginx") !== null;
    const { valid, output } = installed ? await check(host) : { valid: false, output: "" };
    const nginx = { installed, active: await keepsRunning(host, "nginx"), config_valid: valid, config_check: output };
    return printFound(context, json, {
      document: { nginx },
      outcome: valid === null ? "unknown" : valid ? "ok" : "failed",
      exit: valid ? exitCode.done : exitCode.failed,
      text: () => contractLines({ ...nginx, config_valid: valid ?? "unknown" }).join(""),
      async view(view) {
        if (!installed) {
          return linesText(view, { text: "nginx is not installed.", next: { argv: rootCommand("bootstrap") } });
        }
        const { details } = await import("../report/table.ts");
        const labels = ["NGINX", "CONFIGURATION", ""];
        const values = [nginx.active ? "active" : "not active", validText(valid), valid ? "" : output];
        const next = { argv: rootCommand("doctor") };
        const fix =
          nginx.active && valid !== false ? "" : `\n${linesText(view, { text: "Find the cause and its fix:", next })}`;
        return details(labels, values, view.width) + fix;
      },
    });

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
