import { command } from "./command.ts";
import { exitCode } from "./context.ts";

export default command({
  meta: { name: "status", description: "say whether nginx is installed, runs, and has a valid configuration" },
  args: {},
  async run(_, { console, host: loadHost }) {
    const { installedPackage } = await import("../engine/dpkg.ts");
    const { lineOf, linesOf } = await import("../engine/lines.ts");
    const { keepsRunning } = await import("../resources/service.ts");
    const host = await loadHost();
    const installed = installedPackage(host, "nginx") !== null;
    const { code, stderr } = installed ? await host.probe(["nginx", "-t"]) : { code: 1, stderr: "" };
    const lines = {
      installed,
      active: await keepsRunning(host, "nginx"),
      config_valid: code === 0,
      config_check: linesOf(stderr).join("; "),
    };
    // As the Python version spelled them: scripts read these lines.
    const shown = (value: boolean | string): string => (typeof value === "string" ? value : value ? "True" : "False");
    await console.out(
      Object.entries(lines)
        .map(([key, value]) => lineOf`${key}: ${shown(value)}`)
        .join(""),
    );
    return code === 0 ? exitCode.done : exitCode.failed;
  },
});
