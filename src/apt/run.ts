// Runs apt-get and dpkg without any interactive question.

import type { Host, Output } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import { type Stop, throwIfInterrupted } from "../problem/wait.ts";
import { linesOf } from "../text/lines.ts";

/** Runs a program of a transaction. Throws a Problem if it exceeds its time limit, or on a signal. */
export type Run = (...argv: string[]) => Promise<Output>;

/** apt's own limit for its dpkg locks, in seconds. The lists lock has no limit in apt, so it is retried here. */
export const lockSeconds = 600;
/**
 * The maximum run time of apt-get. It times out by itself after 30 s without data, but not on a trickle of single
 * bytes. apt 2.6 can also hang on a resumed list that has grown over its limit.
 */
const limitMinutes = { update: 20, install: 60 };
/**
 * The limit for dpkg without apt, and for the commands after it. When it expires, dpkg is ended together with the
 * scripts that it runs.
 */
const dpkgMinutes = 60;

/**
 * Suppresses every question: from debconf, needrestart (22.04 asks regardless of debconf), listchanges, and listbugs,
 * which aborts apt if it cannot ask.
 */
const env = {
  DEBIAN_FRONTEND: "noninteractive",
  NEEDRESTART_MODE: "l",
  NEEDRESTART_SUSPEND: "1",
  APT_LISTCHANGES_FRONTEND: "none",
  APT_LISTBUGS_FRONTEND: "none",
  // apt cannot check a signature if /tmp is full, and cannot run a package's questions if /tmp is mounted noexec.
  TMPDIR: "/var/tmp",
  // Without this setting, the gitlab-runner package deletes images and containers that are not in use.
  NO_DOCKER_PRUNE: "1",
};

export const aptOptions = [
  "-q",
  "-y",
  "-o",
  `DPkg::Lock::Timeout=${lockSeconds}`,
  "-o",
  "Dpkg::Options::=--force-confdef",
  "-o",
  "Dpkg::Options::=--force-confold",
  "-o",
  "APT::Status-Fd=3",
  "-o",
  "Dpkg::Use-Pty=0",
  "-o",
  "Acquire::Retries=3",
  "-o",
  "Acquire::http::Timeout=30",
  "-o",
  "Acquire::https::Timeout=30",
];

/** Returns the function that runs the programs of a transaction. A signal stops it between two of them. */
export function programRunner(host: Host, stop: Stop): Run {
  return async (...argv) => {
    throwIfInterrupted(stop);
    const isApt = argv[0] === "apt-get";
    const what = argv.includes("update") ? "update" : "install";
    const minutes = isApt ? limitMinutes[what] : dpkgMinutes;
    // On a signal, apt-get lets its dpkg finish, and aborts a download.
    const aptGet = isApt && { endsInOrder: true as const, onStatus: () => {} };
    const answer = await host.run(argv, { env, limitMs: minutes * 60_000, ...aptGet });
    throwIfInterrupted(stop);
    if (answer.code !== 124) return answer;
    if (isApt) throw timeoutProblem(answer, `apt-get ${what}`, minutes, ["sudo", "apt-get", "update"]);
    const line = argv.filter((word) => !word.startsWith("--force-"));
    throw timeoutProblem(answer, line.join(" "), minutes, ["sudo", ...line]);
  };
}

function timeoutProblem({ code, stdout, stderr }: Output, what: string, minutes: number, hint: string[]): Problem {
  const last = linesOf(stdout).at(-1);
  const failures = last ? `; its last output is ${last}` : "";
  const message = `${what} timed out after ${minutes} min${failures}`;
  return new Problem("timeout", message, { returncode: code, stderr, hint });
}
