import type { Host } from "../host/host.ts";
import { UnknownStateError } from "../host/host.ts";
import { command } from "./command.ts";
import { exitCode } from "./context.ts";

/** The result of nginx's configuration test. `valid`: null if only root can run the test. */
interface Check {
  valid: boolean | null;
  said: string;
}

export default command({
  meta: { name: "status", description: "say whether nginx is installed, runs, and has a valid configuration" },
  args: {},
  async run(_, { console, hint, host: loadHost }) {
    const { installedPackage } = await import("../apt/dpkg.ts");
    const { lineOf, linesOf, shellLine } = await import("../text/lines.ts");
    const { configFault } = await import("../nginx/accepts.ts");
    const { keepsRunning } = await import("../resources/service.ts");
    const host = await loadHost();
    const installed = installedPackage(host, "nginx") !== null;
    const { valid, said } = installed ? await check(host) : { valid: false, said: "" };
    const lines = { installed, active: await keepsRunning(host, "nginx"), config_valid: valid, config_check: said };
    // The values are formatted as the Python version did, because scripts read these lines.
    const shownValue = (value: boolean | string | null): string =>
      value === null ? "unknown" : typeof value === "string" ? value : value ? "True" : "False";
    await console.out(
      Object.entries(lines)
        .map(([key, value]) => lineOf`${key}: ${shownValue(value)}`)
        .join(""),
    );
    return valid ? exitCode.done : exitCode.failed;

    async function check(reader: Host): Promise<Check> {
      if (reader.uid === 0) {
        const { code, stderr } = await reader.probe(["nginx", "-t"]);
        return { valid: code === 0, said: linesOf(stderr).join("; ") };
      }
      // For a test nginx opens its logs and keys, which other users may not: it would report a valid configuration as
      // invalid.
      try {
        const fault = await configFault(reader);
        return { valid: fault === null, said: fault?.reason ?? "the running nginx has loaded it" };
      } catch (error) {
        if (!(error instanceof UnknownStateError)) throw error;
        const again = shellLine(hint(["sudo", "edox-ops", "nginx", "status"]));
        return { valid: null, said: `${error.message} (run: ${again})` };
      }
    }
  },
});
