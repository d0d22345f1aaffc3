// Checks GitLab Runner and its Docker, beyond the resources of their recipes.

import { packageState } from "../apt/dpkg.ts";
import { commandToFinish } from "../apt/finish.ts";
import { dockerConfigAccepted } from "../docker/config.ts";
import { hasEngine } from "../docker/engine.ts";
import type { Check, CheckResult } from "../engine/finding.ts";
import type { Host, HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { hintToShow, hintToShowWithoutTokens } from "../problem/show-file.ts";
import { accountOf } from "../resources/user.ts";
import { few } from "../text/lines.ts";
import { hasUnits } from "./cleanup/units.ts";
import { runnerUser } from "./names.ts";
import { runnerConfigPath, runnerStatePath } from "./paths.ts";
import type { RunnerConfig, Survey } from "./runners.ts";
import { runnerProgram } from "./service.ts";

const home = "/home/gitlab-runner";

const install = ["sudo", "edox-ops", "gitlab-runner", "install", "--yes"];
const prepare = ["sudo", "edox-ops", "gitlab-runner", "prepare-ci-host", "--yes"];
const status = ["sudo", "edox-ops", "gitlab-runner", "status"];
/** Shows only the lines about concurrency, because the file contains tokens. */
const showConcurrency = ["sudo", "grep", "-nE", "concurren|name", runnerConfigPath];
const noRunner: CheckResult = {
  status: "not-set-up",
  detail: "not configured (optional; run edox-ops gitlab-runner register)",
  hint: ["edox-ops", "gitlab-runner", "register", "--help"],
};

/** Returns the checks of runners. `host` sends a request to each runner's GitLab. */
export function runnerChecks(host: Host): Check[] {
  const program = runnerProgram(host);
  const installed = program !== null;
  const hostChecks = (name: string, run: (reader: HostReader) => CheckResult | Promise<CheckResult>): Check => ({
    name,
    appliesTo: () => installed,
    run,
  });
  const checksOfRunners = (
    name: string,
    run: (config: Survey, reader: HostReader) => CheckResult | Promise<CheckResult>,
  ): Check =>
    hostChecks(name, async (reader) => {
      if (reader.stat(runnerConfigPath) === null) return noRunner;
      // Each check reads the file again: it is small, and its parser stays loaded after the first.
      const config = (await import("./runners.ts")).surveyConfig(reader);
      return config.runners.length + config.invalid.length === 0 ? noRunner : run(config, reader);
    });
  const checksOfDocker = (name: string, run: (reader: HostReader) => CheckResult | Promise<CheckResult>): Check => ({
    name,
    // A Docker without a runner is not a matter of CI.
    appliesTo: (reader) => installed && hasEngine(reader),
    run,
  });
  return [
    {
      ...hostChecks("runner:binary", (reader) =>
        packageState(reader, "gitlab-runner") === "incomplete"
          ? {
              status: "error",
              detail: "dpkg did not finish installing gitlab-runner",
              ...withHint(commandToFinish(reader)),
            }
          : { status: "ok", detail: `gitlab-runner is installed in ${program}` },
      ),
      follows: ["dpkg:configured"],
    },
    hostChecks(`runner:home:${home}`, homes),
    checksOfRunners("ci-runner:docker-privileged", privileged),
    checksOfRunners("ci-runner:config", faults),
    checksOfRunners("ci-runner:polling", polling),
    checksOfRunners("ci-runner:guard", guard),
    checksOfRunners("ci-runner:shared-host", sharedHost),
    { ...checksOfRunners("ci-runner:token", (config) => tokens(host, config)), runsProgram: true },
    {
      ...checksOfDocker("ci-runner:docker-config", dockerConfig),
      affects: "CI jobs in containers, once Docker restarts",
    },
    {
      name: "ci-runner:disk",
      appliesTo: (reader) => hasEngine(reader) && (installed || hasUnits(reader)),
      run: async (reader) => (await import("./cleanup/checks.ts")).disk(reader),
      runsProgram: true,
      follows: ["ci-runner:docker"],
      affects: "CI jobs in containers",
    },
    {
      name: "ci-runner:cleanup",
      // It may be enabled before the runner is installed, and stay after Docker is removed.
      appliesTo: (reader) => hasUnits(reader) || (installed && hasEngine(reader)),
      run: async (reader) => (await import("./cleanup/checks.ts")).units(reader),
      runsProgram: true,
      follows: ["ci-runner:docker"],
      affects: "the disk of the runner, which fills",
    },
    { ...checksOfDocker("ci-runner:mtu", mtu), affects: "downloads in CI jobs" },
  ];
}

/**
 * Checks both homes: a job of the shell executor runs in the account's home, and the service in the directory of its
 * unit.
 */
function homes(reader: HostReader): CheckResult {
  const account = accountOf(reader, runnerUser);
  const wanted = [...new Set([account?.home ?? home, home])];
  const missing = wanted.find((path) => reader.statTarget(path)?.type !== "directory");
  if (missing === undefined)
    return {
      status: "ok",
      detail: account && account.home !== home ? `exists, and so does ${account.home}` : "exists",
    };
  if (account === null) return { status: "error", detail: `${missing} is missing`, hint: install };
  const owner = ["-o", runnerUser, "-g", String(account.gid)];
  return {
    status: "error",
    detail: `${missing} is missing`,
    hint: ["sudo", "install", "-d", "-m", "0750", ...owner, missing],
  };
}

function withHint(hint: string[] | null): Pick<CheckResult, "hint"> {
  return hint === null ? {} : { hint };
}

async function dockerConfig(reader: HostReader): Promise<CheckResult> {
  const unmet = await dockerConfigAccepted.check(reader, () => {});
  if (unmet === null) return { status: "ok", detail: dockerConfigAccepted.title };
  return { status: "error", detail: unmet.reason, ...(unmet.hint && { hint: unmet.hint }) };
}

async function privileged(config: RunnerConfig, reader: HostReader): Promise<CheckResult> {
  const [{ dindEdits }, { recordOf, readRecord }] = [
    await import("./docker-in-docker.ts"),
    await import("./record.ts"),
  ];
  const record = readRecord(reader);
  const left: string[] = [];
  const edits = dindEdits(
    config,
    (runner) => recordOf(record, runner)?.privileged ?? null,
    [],
    (line) => left.push(line),
  );
  if (edits.length > 0)
    return {
      status: "error",
      detail: "a runner for Docker-in-Docker is not privileged or has no volume for its certificates",
      affects: "CI jobs with Docker-in-Docker",
      hint: prepare,
    };
  if (left.length > 0) return { status: "ok", detail: left.join("; ") };
  return { status: "ok", detail: "the runners for Docker-in-Docker are privileged and have their volumes" };
}

async function faults(config: Survey, reader: HostReader): Promise<CheckResult> {
  const [{ faultsOf }, { readRecord, recordFaults }] = [await import("./runners.ts"), await import("./record.ts")];
  const found = [...config.invalid, ...faultsOf(config)];
  const recorded = recordFaults(readRecord(reader));
  const hint = found.length === 0 ? hintToShow(runnerStatePath) : hintToShowWithoutTokens(runnerConfigPath);
  if (found.length + recorded.length === 0)
    return { status: "ok", detail: `${config.runners.length} runners, and no fault in ${runnerConfigPath}` };
  return {
    status: "error",
    detail: [...found, ...recorded].join("; "),
    affects: "CI jobs of the runners with a fault",
    hint,
  };
}

/** Checks that no long poll, which GitLab holds open for 50 s, delays the next one. */
function polling({ concurrent, runners }: RunnerConfig): CheckResult {
  if (runners.length > concurrent) {
    const detail = `${runners.length} runners share ${concurrent} job at a time: one that waits blocks the others`;
    return { status: "warning", detail, affects: "the start of CI jobs", hint: showConcurrency };
  }
  const single = runners.filter(({ request_concurrency }) => request_concurrency < 2).map(({ name }) => name);
  if (single.length === 0 || concurrent === 1) return { status: "ok", detail: "no runner blocks another one" };
  const detail = `${few(single)} requests one job at a time: set request_concurrency = 2, or jobs start up to 50 s late`;
  return { status: "warning", detail, affects: `the start of CI jobs of ${few(single)}`, hint: showConcurrency };
}

/**
 * Checks that privileged runners are protected. This is known only for a runner that was created from here, because
 * GitLab does not report it to runners.
 */
async function guard({ runners }: RunnerConfig, reader: HostReader): Promise<CheckResult> {
  const { recordOf, readRecord } = await import("./record.ts");
  const record = readRecord(reader);
  const strong = runners.filter((runner) => runner.docker?.privileged);
  const open = strong.filter((runner) => recordOf(record, runner)?.guarded === false).map(({ name }) => name);
  if (open.length > 0) {
    const detail = `${few(open)} runs privileged containers for every branch: protect it in GitLab`;
    return { status: "warning", detail, hint: status };
  }
  const unknown = strong.filter((runner) => recordOf(record, runner)?.guarded === undefined).map(({ name }) => name);
  if (unknown.length === 0)
    return {
      status: "ok",
      detail:
        strong.length === 0
          ? "no runner is privileged"
          : "every privileged runner was created for protected branches and tags only",
    };
  return {
    status: "ok",
    detail: `privileged: ${few(unknown)}; whether it is locked and protected is shown in GitLab only`,
  };
}

async function sharedHost({ runners }: RunnerConfig, reader: HostReader): Promise<CheckResult> {
  const { isPrivileged, listServedProjects, sharedHostWarning } = await import("./shared-host.ts");
  const strong = runners.filter(({ docker }) => isPrivileged(docker));
  const detail = sharedHostWarning(
    strong.map(({ name }) => name),
    listServedProjects(reader),
  );
  if (detail === null) return { status: "ok", detail: "no privileged runner beside a site" };
  const { url = "", "tls-ca-file": caPath } = strong[0] ?? {};
  const authority = caPath === undefined ? [] : ["--ca-file", caPath];
  const register = [
    "gitlab-runner",
    "register",
    "--profile",
    "ci-rootless",
    "--url",
    url,
    ...authority,
    "--token",
    "-",
  ];
  return {
    status: "warning",
    detail,
    affects: "the sites of this host, if a CI job is hostile",
    hint: ["sudo", "edox-ops", ...register],
  };
}

async function tokens(host: Host, { runners }: RunnerConfig): Promise<CheckResult> {
  const [{ accepted }, { systemIdOf }] = [await import("./status.ts"), await import("./registration/system-id.ts")];
  const systemId = systemIdOf(host);
  const answers = await Promise.all(
    runners.map(async (runner) => ({ name: runner.name, answer: await accepted(host, runner, systemId) })),
  );
  const refused = answers.filter(({ answer }) => answer !== "yes");
  if (refused.length === 0) return { status: "ok", detail: "GitLab accepts the token of every runner" };
  return {
    status: "error",
    detail: refused.map(({ name, answer }) => `${name}: ${answer}`).join("; "),
    affects: `CI jobs of ${few(refused.map(({ name }) => name))}`,
    hint: status,
  };
}

/**
 * Checks the MTU of Docker's bridge. Longer packets than the outgoing link accepts can be lost without an error, so
 * that transfers hang.
 */
function mtu(reader: HostReader): CheckResult {
  const of = (link: string): number => Number(textOf(reader, `/sys/class/net/${link}/mtu`) ?? Number.NaN);
  const bridge = of("docker0");
  // The fields of the kernel's table: interface, destination, gateway, flags, ...
  const way = (textOf(reader, "/proc/net/route") ?? "").split("\n").map((line) => line.split("\t"));
  const out = way.find(([, destination]) => destination === "00000000")?.[0];
  if (out === undefined || Number.isNaN(bridge))
    return { status: "ok", detail: "no Docker bridge, or no default route" };
  if (bridge <= of(out)) return { status: "ok", detail: `${bridge} bytes, and ${of(out)} on ${out}` };
  const detail = `containers send packets of ${bridge} bytes, and ${out} takes ${of(out)}: set "mtu": ${of(out)} in /etc/docker/daemon.json`;
  return { status: "warning", detail, hint: ["ip", "link", "show", out] };
}
