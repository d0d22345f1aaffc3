// An apt of its own beside that of this machine: another suite, architecture and dpkg status, and none of its hooks.

import type { BundleTarget } from "../../engine/feature.ts";
import type { Host, Output, RunOptions } from "../../host/host.ts";
import { Problem } from "../../problem/problem.ts";
import { linesOf } from "../../text/lines.ts";
import { nameOf } from "../../text/path.ts";
import { type Source, sourceLine } from "./sources.ts";

/** The paths of the private root. */
export interface AptRoot {
  /** Package lists as the repositories have them, compressed. */
  lists: string;
  /** The same lists unpacked, because apt reads a list many times. */
  plain: string;
  /** Incomplete downloads. apt gives the directory to the user that it downloads as. */
  partial: string;
  archives: string;
  /** A cache that stays empty: apt does not list what is in its cache already. */
  empty: string;
  /** Runs a program of apt in this root. Throws a Problem that quotes apt's errors if it fails. */
  run(argv: readonly string[], options?: RunOptions): Promise<string>;
}

interface AptRootRequest {
  dir: string;
  target: BundleTarget;
  sources: readonly Source[];
  /** The content of dpkg's status file: the packages that the host has. */
  status: string;
  foreignArchitectures: readonly string[];
}

const limitMs = 3_600_000;
/** The settings of this machine that say how a server is reached, and whether a frozen mirror is accepted. */
const inherited =
  /^Acquire::(?:(?:http|https|ftp|tor)(?:::[^\s"]+)?|Retries|ForceIPv[46]|Check-Valid-Until|Check-Date|Max-FutureTime) "[^"\n]*";$/gm;

/** Writes the configuration of the private root and returns it. Nothing of this machine's apt is changed. */
export async function aptRoot(host: Host, request: AptRootRequest): Promise<AptRoot> {
  const { dir, target, sources, status, foreignArchitectures } = request;
  if (!/^\/[\w.+@%~:/-]+$/.test(dir)) {
    throw new Problem("invalid-value", `apt cannot use a directory with this name: ${dir}`);
  }
  const paths = { lists: `${dir}/lists`, plain: `${dir}/plain`, archives: `${dir}/archives`, empty: `${dir}/empty` };
  const partial = `${paths.lists}/partial`;
  await makeDirectories(
    host,
    ...Object.values(paths).map((each) => `${each}/partial`),
    `${dir}/etc`,
    `${dir}/state`,
    `${dir}/log`,
  );
  const machine = await host.probe(["apt-config", "dump"]);
  if (machine.code !== 0) {
    const message = "a bundle is made with apt, which is not on this machine";
    throw new Problem("unsupported-platform", message, { stderr: machine.stderr });
  }
  const settings = [
    ...(machine.stdout.match(inherited) ?? []),
    `Dir::Etc "${dir}/etc";`,
    'Dir::Etc::main "/dev/null";',
    'Dir::Etc::parts "/dev/null";',
    `Dir::Etc::sourcelist "${dir}/sources.list";`,
    'Dir::Etc::sourceparts "/dev/null";',
    'Dir::Etc::preferences "/dev/null";',
    'Dir::Etc::preferencesparts "/dev/null";',
    'Dir::Etc::trusted "/dev/null";',
    'Dir::Etc::trustedparts "/dev/null";',
    // The credentials of private mirrors.
    'Dir::Etc::netrc "/etc/apt/auth.conf";',
    'Dir::Etc::netrcparts "/etc/apt/auth.conf.d";',
    `Dir::State "${dir}/state";`,
    `Dir::State::lists "${paths.lists}";`,
    `Dir::State::status "${dir}/state/status";`,
    `Dir::Cache "${dir}";`,
    `Dir::Cache::archives "${paths.archives}";`,
    `Dir::Log "${dir}/log";`,
    `APT::Architecture "${target.architecture}";`,
    `APT::Architectures { ${[target.architecture, ...foreignArchitectures].map((each) => `"${each}";`).join(" ")} };`,
    // Without root, apt cannot switch to a user for its downloads.
    ...(host.uid === 0 ? [] : ['APT::Sandbox::User "root";']),
    'APT::Install-Recommends "true";',
    'Acquire::Languages "none";',
    'Acquire::PDiffs "false";',
    'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";',
    'pkgCacheFile::Generate "true";',
  ];
  // A proxy's address may hold a password.
  writeText(host, `${dir}/apt.conf`, `${settings.join("\n")}\n`, 0o600);
  writeText(
    host,
    `${dir}/sources.list`,
    `${sources.map((each) => sourceLine(each, target.architecture)).join("\n")}\n`,
    0o644,
  );
  writeText(host, `${dir}/state/status`, status, 0o644);

  async function run(argv: readonly string[], options: RunOptions = {}): Promise<string> {
    const env = { APT_CONFIG: `${dir}/apt.conf`, DEBIAN_FRONTEND: "noninteractive" };
    const output = await host.run(argv, { limitMs, endsInOrder: true, ...options, env });
    if (output.code !== 0) throw failure(argv, output);
    return output.stdout;
  }
  return { ...paths, partial, run };
}

function failure(argv: readonly string[], { code, stdout, stderr }: Output): Problem {
  const errors = linesOf(stderr).filter((line) => line.startsWith("E: "));
  const missing = errors.map((line) => /^E: Unable to locate package (\S+)/.exec(line)?.[1]).find(Boolean);
  if (missing !== undefined) {
    return new Problem("not-found", `no repository has the package ${missing} for this suite and architecture`, {
      returncode: code,
      stderr,
    });
  }
  const [first] = errors;
  const why = first === undefined ? "" : `: ${first.slice("E: ".length)}`;
  const unmet = /The following packages have unmet dependencies:\n((?: .*\n?)+)/.exec(stdout)?.[1] ?? "";
  const isNetwork = /Could not (?:resolve|connect)|Connection (?:failed|timed out|reset)|Failed to fetch/.test(stderr);
  return new Problem(isNetwork ? "unreachable" : "package-failed", `${nameOf(argv[0] ?? "")} failed${why}`, {
    returncode: code,
    stderr: `${unmet}${stderr}`,
  });
}

/** Creates directories with the parents that are missing, as the umask says. */
export async function makeDirectories(host: Host, ...paths: readonly string[]): Promise<void> {
  const { code, stderr } = await host.run(["mkdir", "-p", "--", ...paths]);
  if (code !== 0) throw new Problem("io-error", `cannot create ${paths[0]}`, { returncode: code, stderr });
}

/** Returns the words that have apt read the unpacked lists. */
export function plainLists({ plain }: AptRoot): string[] {
  return ["-o", `Dir::State::lists=${plain}`];
}

/** Replaces a small file of this user atomically. One that has this content stays, as old as it is. */
export function writeText(host: Host, path: string, text: string | Uint8Array, mode: number): void {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  const before = host.read(path);
  // Caches of apt are valid only as long as they are newer than its sources.
  if (before !== null && Buffer.compare(before, bytes) === 0) return;
  const file = host.createFile(path, { mode });
  try {
    file.write(bytes);
    file.commit();
  } finally {
    file.abort();
  }
}
