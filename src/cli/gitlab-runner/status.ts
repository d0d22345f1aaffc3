import type { Host } from "../../host/host.ts";
import { textOf } from "../../host/text-file.ts";
import { Problem } from "../../problem/problem.ts";
import { contractLines } from "../../report/contract-lines.ts";
import { runnerStatePath } from "../../runner/paths.ts";
import { lineOf, shellLine } from "../../text/lines.ts";
import { command } from "../command.ts";
import { exitCode } from "../context.ts";
import { outputFlags } from "../flags.ts";
import { printFound } from "../view.ts";

export default command({
  meta: {
    name: "status",
    description: "Show the service and the runners of this host (read-only)",
    long: [
      "It shows whether the service runs, how many jobs run, and the settings of each runner.",
      "GitLab is asked whether it accepts the token of each runner.",
      "Reading the tokens needs root.",
    ],
    examples: ["sudo edox-ops gitlab-runner status", "sudo edox-ops gitlab-runner status --json"],
  },
  args: { json: outputFlags.json },
  async run(values, context) {
    const { runnerLoad, runnerStatuses, serviceStatus } = await import("../../runner/status.ts");
    const { hint } = context;
    const host = await context.host();
    const service = await serviceStatus(host);
    // Only root can read the tokens, and so only root can ask GitLab about the runners.
    const sees = host.uid === 0 && service.installed;
    const now = sees ? await runnerLoad(host) : undefined;
    // A file that cannot be read is reported after the service.
    const { found, problem } = sees ? await orReason(() => runnerStatuses(host)) : {};
    const runners = found?.runners ?? [];
    const hidden = service.installed && !sees;
    const again = shellLine(hint(["sudo", "edox-ops", "gitlab-runner", "status"]));
    const faults = [
      ...(found?.faults ?? []),
      ...(problem ? [problem] : []),
      ...(hidden ? [`only root may read them (run: ${again})`] : []),
    ];
    return printFound(context, values.json, {
      document: { ...(faults.length > 0 && { warnings: faults }), runner: { ...service, ...now, runners } },
      outcome: hidden ? "unknown" : service.installed ? "ok" : "failed",
      exit: service.installed ? exitCode.done : exitCode.failed,
      async view(view) {
        const { runnersText } = await import("./status-view.ts");
        return runnersText({ service, now, runners, faults }, view);
      },
      async text() {
        const { found: state = [] } = await orReason(() => registrationState(host));
        return [
          ...contractLines(service),
          ...state.map((each) => lineOf`${each}`),
          ...contractLines(now ?? {}),
          ...runners.map(({ name, url, executor, privileged, volumes, ours, accepted }) => {
            const docker = executor.startsWith("docker") ? [privileged ? "privileged" : "", volumes.join(" ")] : [];
            const settings = [executor, ...docker].filter((each) => each !== "").join(", ");
            return lineOf`runner ${name}: ${url}, ${settings}, ${ours ? "ours" : "foreign"}, accepted: ${accepted}`;
          }),
          ...faults.map((fault) => lineOf`runners: ${fault}`),
        ].join("");
      },
    });
  },
});

/** Returns the lines that the Python version printed about runner.json: its path and content. */
async function registrationState(host: Host): Promise<string[]> {
  const key = "registration_state";
  if (host.uid !== 0) return [`${key}: only root may read ${runnerStatePath}`];
  const text = textOf(host, runnerStatePath);
  if (text === null) return [`${key}: not registered via edox-ops`];
  // A file that is not JSON is reported with the runners.
  const { found } = await orReason(async () => JSON.stringify(JSON.parse(text), null, 2));
  return [`${key}: ${runnerStatePath}`, ...(found?.split("\n") ?? [])];
}

async function orReason<T>(read: () => Promise<T>): Promise<{ found?: T; problem?: string }> {
  try {
    return { found: await read() };
  } catch (error) {
    return { problem: Problem.of(error).message };
  }
}
