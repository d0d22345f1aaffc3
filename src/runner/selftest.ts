// Tests Docker-in-Docker as a job uses it: a privileged daemon with TLS beside a client, with the settings of a runner.
// It builds an image, and measures the usable MTU with a transfer from a container inside.

import type { Host, Output } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import { type Stop, throwIfInterrupted, waitFor } from "../problem/wait.ts";
import { linesOf, oneLine } from "../text/lines.ts";
import { dockerThere, mountPoint } from "./docker-in-docker.ts";
import { runnerConfigPath } from "./paths.ts";
import type { Runner } from "./runners.ts";
import { type Docker, daemonImage, failure, type ImageOrigin, pullLimitMs } from "./selftest-image.ts";
import { building, certificates, privileged, transfer, transferBytes, waiting } from "./selftest-scripts.ts";

interface Measurement {
  name: "daemon" | "privileged" | "build" | "transfer";
  ok: boolean;
  milliseconds: number;
  detail: string;
}

export interface Selftest {
  /** null if the settings were those of the profile `ci`. */
  runner: string | null;
  image: string;
  measured: Measurement[];
  /** What was not measured, and why. */
  skipped: { name: Measurement["name"]; reason: string }[];
  /** Largest MTU, in bytes, at which a transfer from a container in Docker-in-Docker succeeded; null if none did. */
  mtu: number | null;
}

/** What the self-test needs of a runner. */
export type JobSettings = Pick<Runner, "docker" | "url"> & { name: string | null };

const label = "edox-ops.selftest";
/** A template that prints the paths that the image declares as volumes, one on each line. */
const declaredVolumes = "{{range $path, $_ := .Config.Volumes}}{{println $path}}{{end}}";
/** The jobs of the guide wait as long for the daemon. */
const daemonMs = 30_000;
const limitMs = 120_000;
/** The MTU of Ethernet, those that clouds and tunnels leave of it, and the minimum of IPv6. */
const lengths = [1500, 1460, 1400, 1360, 1280];

/**
 * Runs the self-test with the settings of a runner. Before it returns, it removes everything that it started and the
 * remains of a killed run. All of it has the label, and nothing without the label is removed. Only one self-test may run
 * on a host at a time. With a bundle, no transfer is measured, because its server would be GitLab. Throws a Problem if it
 * cannot start.
 */
export async function selftest(host: Host, runner: JobSettings, stop: Stop, origin: ImageOrigin): Promise<Selftest> {
  await waitFor(host, dockerThere);
  const address = origin.bundle === undefined ? addressOf(runner) : null;
  const docker = async (...argv: string[]): Promise<Output> => {
    throwIfInterrupted(stop);
    const limit = argv[0] === "pull" || argv[0] === "load" ? pullLimitMs : limitMs;
    // A pull takes minutes and must end cleanly; the other commands are short.
    const ends = argv[0] === "pull" && { endsInOrder: true as const };
    const answer = await host.run(["docker", ...argv], { limitMs: limit, ...ends });
    throwIfInterrupted(stop);
    return answer;
  };
  await clear(host);
  try {
    const image = await daemonImage(host, docker, origin, stop);
    const { containers, sharesCertificates, start } = await job(docker, runner, image);
    const measured: Measurement[] = [];
    const skipped =
      address === null ? [{ name: "transfer" as const, reason: "a run with --bundle uses no network" }] : [];
    const inJob = (script: string): Promise<Output> => docker("exec", containers.job, "sh", "-c", script);
    const measure = async (name: Measurement["name"], run: () => Promise<Output>, good: (out: string) => string) => {
      const begun = host.now();
      const { code, stdout, stderr } = await run();
      const detail = code === 0 ? good(stdout) : lastLine(stderr, stdout) || `exit ${code}`;
      measured.push({ name, ok: code === 0, milliseconds: host.now() - begun, detail: oneLine(detail) });
      return code === 0;
    };
    const daemon = async (): Promise<Output> => {
      for (const end = host.now() + (sharesCertificates ? daemonMs : 0); ; ) {
        const answer = await inJob(waiting);
        if (answer.code === 0 || host.now() >= end) return answer;
        const { stdout } = await docker("inspect", "--format", "{{.State.Running}}", containers.service);
        if (stdout.trim() !== "true") return answer;
      }
    };
    let mtu: number | null = null;
    const answers = await measure(
      "daemon",
      async () => {
        const begun = await start();
        return begun.code === 0 ? daemon() : begun;
      },
      (out) => `Docker ${out.trim()} over TLS`,
    );
    if (!answers) {
      const { stdout, stderr } = await docker("logs", "--tail", "5", containers.service);
      const last = measured.at(-1);
      if (last) last.detail += `; last output of the daemon: ${lastLine(stderr, stdout) || "nothing"}`;
      return { runner: runner.name, image, measured, skipped, mtu };
    }
    await measure(
      "privileged",
      () => inJob(privileged),
      () => "a container in it may mount",
    );
    await measure(
      "build",
      () => inJob(building),
      () => "an image of two layers",
    );
    if (address === null) return { runner: runner.name, image, measured, skipped, mtu };
    await measure(
      "transfer",
      async () => {
        let sent: Output = { code: 1, stdout: "", stderr: "" };
        for (const length of lengths) {
          sent = await inJob(transfer(address, length));
          if (sent.code !== 0) continue;
          mtu = length;
          break;
        }
        return sent;
      },
      () => `${transferBytes} bytes to ${address} with packets of ${mtu}`,
    );
    return { runner: runner.name, image, measured, skipped, mtu };
  } finally {
    await clear(host);
  }
}

/**
 * Returns the address for use in a shell script. Throws a Problem for an address with characters that a shell
 * interprets.
 */
function addressOf({ name, url }: JobSettings): string {
  if (/^https?:\/\/[\w.[\]:-]+(\/[\w./~%-]*)?$/.test(url)) return url.replace(/\/+$/, "");
  const hint = ["sudo", "grep", "-n", "url", runnerConfigPath];
  throw new Problem("invalid-config", `the url of runner ${name} is no http or https address`, { hint });
}

function lastLine(...outputs: string[]): string {
  return outputs.flatMap((output) => linesOf(output).at(-1) ?? [])[0] ?? "";
}

/** Removes containers, volumes and networks by their label, including those of a killed run. */
async function clear(host: Host): Promise<void> {
  const removeContainer = async (list: string[], remove: string[]): Promise<void> => {
    const { stdout } = await host.run(["docker", ...list, "--quiet", "--filter", `label=${label}`], { limitMs });
    const found = stdout.split("\n").filter(Boolean);
    if (found.length > 0) await host.run(["docker", ...remove, ...found], { limitMs });
  };
  await removeContainer(["ps", "--all"], ["rm", "--force", "--volumes"]);
  await removeContainer(["volume", "ls"], ["volume", "rm", "--force"]);
  await removeContainer(["network", "ls"], ["network", "rm"]);
}

/**
 * Creates the containers as gitlab-runner does: a separate network, the volumes in both containers, and the service
 * with its alias.
 */
async function job(docker: Docker, { docker: settings }: JobSettings, image: string) {
  const runOrThrow = async (...argv: string[]): Promise<string> => {
    const { code, stdout, stderr } = await docker(...argv);
    if (code === 0) return stdout.trim();
    throw failure(`docker ${argv[0]} ${argv[1] ?? ""} failed`, { code, stderr });
  };
  const network = await runOrThrow("network", "create", "--label", label, "edox-ops-selftest");
  const volumes: string[] = [];
  for (const volume of settings?.volumes ?? []) {
    // A path without a source is a volume that the containers of a job share.
    const source = volume.includes(":") ? "" : `${await runOrThrow("volume", "create", "--label", label)}:`;
    volumes.push("--volume", `${source}${volume}`);
  }
  const declared = await runOrThrow("image", "inspect", "--format", declaredVolumes, image);
  const mounted = (settings?.volumes ?? []).map(mountPoint);
  /**
   * Docker's own volumes for these paths would have no label, and would stay if their container were removed without
   * them.
   */
  const own = async (): Promise<string[]> => {
    const flags: string[] = [];
    for (const path of declared.split("\n").filter((line) => line.startsWith("/") && !mounted.includes(line))) {
      flags.push("--volume", `${await runOrThrow("volume", "create", "--label", label)}:${path}`);
    }
    return flags;
  };
  const privileged = settings?.privileged === true;
  const common = ["--label", label, "--network", network, ...volumes];
  const more = (settings ?? {}) as { services_privileged?: unknown };
  const serviceFlags = privileged || more.services_privileged === true ? ["--privileged"] : [];
  const env = { DOCKER_HOST: "tcp://docker:2376", DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: certificates };
  const client = Object.entries(env).flatMap(([name, value]) => ["--env", `${name}=${value}`]);
  const jobFlags = [...(privileged ? ["--privileged"] : []), ...client, "--entrypoint", "sleep"];
  const containers = {
    service: await runOrThrow(
      ...[
        "create",
        ...common,
        ...(await own()),
        ...serviceFlags,
        "--network-alias",
        "docker",
        "--env",
        "DOCKER_TLS_CERTDIR=/certs",
      ],
      image,
    ),
    job: await runOrThrow("create", ...common, ...(await own()), ...jobFlags, image, "3600"),
  };
  // A client without them is never answered.
  const sharesCertificates = mounted.some((path) => `${certificates}/`.startsWith(`${path}/`));
  return { containers, sharesCertificates, start: () => docker("start", containers.service, containers.job) };
}
