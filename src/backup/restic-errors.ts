// What a failure of restic means. Later versions print their errors as JSON, each on a line.

import type { Output } from "../host/host.ts";
import type { ProblemCode } from "../problem/codes.ts";
import { Problem } from "../problem/problem.ts";
import { parseJson } from "../text/json.ts";
import { linesOf } from "../text/lines.ts";
import { shownLocation } from "./repository.ts";
import type { Access } from "./settings.ts";

interface Fault {
  pattern: RegExp;
  code: ProblemCode;
  /** What it means, after the location of the repository. */
  meaning: string;
  hint(access: Access): string[];
}

const init = ["sudo", "edox-ops", "backup", "init"];
const again = ["sudo", "edox-ops", "backup", "run"];

/** Returns the command that opens a connection as restic does: it shows the fault, and accepts a new host key. */
function connect({ repository: { ssh, location } }: Access): string[] {
  if (ssh !== null) return ["sudo", "ssh", ...(ssh.port === null ? [] : ["-p", ssh.port]), ssh.destination];
  const url = /https?:\/\/[^/]+/.exec(shownLocation(location))?.[0];
  return url === undefined ? [...again] : ["curl", "-sSI", url];
}

function space({ repository: { path } }: Access): string[] {
  return ["df", "-h", path ?? "/var/cache"];
}

/** The first that matches is reported. */
const faults: readonly Fault[] = [
  {
    pattern: /wrong password or no key found/,
    code: "permission-denied",
    meaning: "the password is wrong",
    hint: ({ repository }) => [...init, "--repo", repository.location, "--password-file", "FILE"],
  },
  {
    pattern: /no space left on device|disk quota exceeded|not enough space/i,
    code: "no-space",
    meaning: "no space is left",
    hint: space,
  },
  { pattern: /read-only file system/i, code: "read-only-file-system", meaning: "it is read-only", hint: space },
  {
    pattern: /executable file not found/,
    code: "precondition-failed",
    meaning: "the program that reaches it is not installed",
    hint: ({ repository: { kind } }) => {
      return ["sudo", "apt-get", "install", kind === "rclone" ? "rclone" : "openssh-client"];
    },
  },
  {
    pattern: /Host key verification failed/,
    code: "unreachable",
    meaning: "root does not know the host key of the server",
    hint: connect,
  },
  {
    pattern:
      /Permission denied \(|(?:response|error) \(?(?:401|403)|40[13] (?:Unauthorized|Forbidden)|AccessDenied|SignatureDoesNotMatch|InvalidAccessKeyId/i,
    code: "permission-denied",
    meaning: "the server denies access",
    hint: connect,
  },
  {
    pattern:
      /connection (?:refused|timed out|reset|closed|lost)|i\/o timeout|no route to host|network is unreachable|no such host|(?:could|can)not resolve|name resolution|server misbehaving|certificate|ssh command exited|connection to .* closed|no answer within|unable to start the sftp session/i,
    code: "unreachable",
    meaning: "it cannot be reached",
    hint: connect,
  },
  {
    pattern: /already locked/i,
    code: "in-use",
    meaning: "another host or program uses it",
    hint: () => again,
  },
  {
    pattern: /Is there a repository at the following location|repository does not exist|config file already exists/,
    code: "not-found",
    meaning: "there is no repository, or its disk is not mounted",
    hint: ({ repository: { path, location } }) => {
      return path === null ? [...init, "--repo", location, "--generate"] : ["ls", "-ld", path];
    },
  },
  {
    pattern: /no matching ID found|no snapshot found|snapshot .* not found/i,
    code: "not-found",
    meaning: "it has no such snapshot",
    hint: () => ["sudo", "edox-ops", "backup", "list"],
  },
  {
    pattern:
      /ciphertext verification failed|contains errors|Pack ID does not match|unexpected pack id|not found in index/i,
    code: "io-error",
    meaning: "it is damaged: set up another repository, and keep this one for what it still has",
    hint: () => [...init, "--repo", "REPOSITORY", "--generate"],
  },
];

/** Returns the Problem of a failed run of restic. No secret of the access is a part of it. */
export function explained(output: Output, access: Access): Problem {
  const raw = messagesOf(output);
  const lines = raw.map((line) => redacted(line, access));
  const stderr = lines.join("\n");
  const returncode = output.code === 0 ? 1 : output.code;
  if (output.code === 127) {
    const hint = ["sudo", "apt-get", "install", "restic"];
    return new Problem("precondition-failed", "restic is not installed", { returncode, hint });
  }
  const shown = shownLocation(access.repository.location);
  // A password may be a part of the message that names the fault.
  const fault = faults.find(({ pattern }) => pattern.test(raw.join("\n")));
  if (fault !== undefined) {
    const hint = fault.hint(access);
    return new Problem(fault.code, `repository ${shown}: ${fault.meaning}`, { returncode, stderr, hint });
  }
  const last = lines.findLast((line) => line.startsWith("Fatal:")) ?? lines.at(-1) ?? `exit code ${output.code}`;
  const message = `repository ${shown}: restic failed: ${last.replace(/^Fatal: /, "")}`;
  return new Problem("command-failed", message, { returncode, stderr, hint: again });
}

/** Returns the lines of stderr, with the messages of JSON in place of the JSON. */
function messagesOf({ stderr }: Output): string[] {
  return linesOf(stderr).flatMap((line) => {
    if (!line.startsWith("{")) return [line];
    try {
      const { message, error } = parseJson(line) as { message?: unknown; error?: { message?: unknown } };
      return linesOf(String(message ?? error?.message ?? line));
    } catch {
      return [line];
    }
  });
}

function redacted(line: string, { password, environment }: Access): string {
  return [password, ...environment.values()].reduce((text, secret) => secret.redactIn(text), shownLocation(line));
}
