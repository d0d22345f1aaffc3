// Runs restic, 0.14 as well as 0.18: the repository and its secrets reach it by the environment alone.

import type { Host, HostReader, Output, RunOptions } from "../host/host.ts";
import type { Problem } from "../problem/problem.ts";
import { parseJson } from "../text/json.ts";
import { awayTooLong } from "./away.ts";
import { unlockWords } from "./locks.ts";
import { cacheDir } from "./paths.ts";
import { withCredentials } from "./repository.ts";
import { explained } from "./restic-errors.ts";
import { noBucket } from "./restic-faults.ts";
import type { Access } from "./settings.ts";

/** The packages without which this repository cannot be reached. */
export function packagesFor({ repository: { kind } }: Pick<Access, "repository">): string[] {
  const transport: Partial<Record<typeof kind, string>> = { sftp: "openssh-client", rclone: "rclone" };
  return ["restic", transport[kind] ?? []].flat();
}

/** Seconds after which an unreachable server is reported, and after which a silent connection ends. */
const sshOptions = ["BatchMode=yes", "ConnectTimeout=15", "ServerAliveInterval=20", "ServerAliveCountMax=3"];
/** Later versions repeat a failed request for minutes. A command that only asks reports it instead. */
const askLimitMs = 60_000;

/** A thread of the restic that unlocks can have the number of the dead process, whose lock then stays. The next one has another. */
const unlockTries = 2;

/** Returns the command line of restic. */
export function resticArgv({ repository: { ssh } }: Access, args: readonly string[]): string[] {
  if (ssh === null) return ["restic", ...args];
  return ["restic", "-o", `sftp.command=${sftpArgv(ssh).join(" ")}`, ...args];
}

/** Returns the command line with which restic reaches a server. */
function sftpArgv({ destination, port }: NonNullable<Access["repository"]["ssh"]>): string[] {
  const options = sshOptions.flatMap((each) => ["-o", each]);
  return ["ssh", ...options, ...(port === null ? [] : ["-p", port]), destination, "-s", "sftp"];
}

/**
 * Returns the Problem of a failed run. restic may lose what ssh reports, if ssh ends first: ssh is asked again then.
 */
export async function failureOf(reader: HostReader, output: Output, access: Access): Promise<Problem> {
  const { ssh } = access.repository;
  const isLost = /unable to start the sftp session/.test(output.stderr) && !/^subprocess ssh: /m.test(output.stderr);
  if (ssh === null || !isLost) return explained(reader, output, access);
  const { stderr } = await reader.probe(sftpArgv(ssh), { limitMs: askLimitMs });
  return explained(reader, { ...output, stderr: `${stderr}${output.stderr}` }, access);
}

function environmentOf({ repository, password, environment }: Access): Record<string, string> {
  const values = Object.fromEntries([...environment].map(([name, value]) => [name, value.reveal()]));
  const { RESTIC_REST_USERNAME: user, RESTIC_REST_PASSWORD: secret, ...others } = values;
  const isRest = repository.kind === "rest" && user !== undefined && secret !== undefined;
  return {
    ...others,
    RESTIC_REPOSITORY: isRest ? withCredentials(repository.location, user, secret) : repository.location,
    RESTIC_PASSWORD: password.reveal(),
    RESTIC_CACHE_DIR: cacheDir,
  };
}

/** Asks restic something, without a change of this host. Returns its output, whatever its exit code is. */
export function askRestic(
  reader: HostReader,
  access: Access,
  args: readonly string[],
  limitMs = askLimitMs,
): Promise<Output> {
  return reader.probe(resticArgv(access, args), {
    ...{ env: environmentOf(access), limitMs },
    endsWhen: (line) => noBucket.test(line),
  });
}

/**
 * Runs restic to its end, and returns its stdout. Throws a Problem that explains a failure, also if the server stays away
 * for minutes. A lock that a killed restic left is removed, if restic itself finds that its process is gone.
 */
export async function runRestic(
  host: Host,
  access: Access,
  args: readonly string[],
  options: Pick<RunOptions, "onOutput"> = {},
): Promise<string> {
  // The next run must not find a restic at work that was started by a killed one.
  const run = (words: readonly string[]): Promise<Output> =>
    host.run(["setpriv", "--pdeathsig", "KILL", ...resticArgv(access, words)], {
      ...{ env: environmentOf(access), endsInOrder: true, endsWhen: awayTooLong() },
      ...options,
    });
  let output = await run(args);
  for (let tries = 0; tries < unlockTries && output.code !== 0 && isLocked(output); tries += 1) {
    // restic removes only locks whose process on this host has ended, or that nobody has refreshed for half an hour.
    const words = await unlockWords(host, (each) => askRestic(host, access, each));
    if (words === null) break;
    await run(words);
    output = await run(args);
  }
  if (output.code !== 0) throw await failureOf(host, output, access);
  return output.stdout;
}

/** Returns the id of the repository, or null if there is none at its location. Throws a Problem for any other failure. */
export async function repositoryId(reader: HostReader, access: Access): Promise<string | null> {
  const output = await askRestic(reader, access, ["cat", "config", "--no-lock"]);
  // 0.14 exits with 0 if the repository is missing.
  if (output.code === 0 && output.stdout.trim() !== "") {
    const { id } = parseJson(output.stdout) as { id?: unknown };
    return String(id);
  }
  const problem = await failureOf(reader, output, access);
  if (problem.code === "not-found") return null;
  throw problem;
}

function isLocked({ stderr }: Output): boolean {
  return /already locked/i.test(stderr);
}
