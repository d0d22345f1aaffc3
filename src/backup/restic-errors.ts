// What a failure of restic means. Later versions print their errors as JSON, each on a line.

import type { HostReader, Output } from "../host/host.ts";
import { withDiskFault } from "../problem/disk-fault.ts";
import { Problem } from "../problem/problem.ts";
import { parseJson } from "../text/json.ts";
import { linesOf } from "../text/lines.ts";
import { shownLocation } from "./repository.ts";
import { again, faults } from "./restic-faults.ts";
import type { Access } from "./settings.ts";

/** A path of this host, in the repository, the cache or /tmp. A server prints none. */
const hostDisk = / \/\S+: (?:no space left on device|read-only file system)/i;
/** What an earlier version prints below an error: the functions of restic, and the lines of its source. */
const stackFrame = /^(?:\t?(?:\/|[\w.-]+\/)\S+:\d+|(?:main|runtime|[\w.-]+(?:\/[\w.-]+)+)\.\S+)$/;

/** Returns the Problem of a failed run of restic. No secret of the access is a part of it. */
export function explained(reader: HostReader, output: Output, access: Access): Problem {
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
  const text = raw.join("\n");
  if (hostDisk.test(text)) {
    return withDiskFault(
      reader,
      new Problem("command-failed", "restic could not write its files", { returncode, stderr }),
    );
  }
  // A connection that was lost and came back has not ended the run: it is the cause only if restic printed no other.
  const ending = raw.filter((line) => !/retrying after|^no answer within/.test(line)).join("\n");
  for (const part of [ending, text]) {
    for (const { pattern, code, meaning, hint: hintFor } of faults) {
      const found = pattern.exec(part);
      if (found === null) continue;
      return new Problem(code, `repository ${shown}: ${meaning}`, { returncode, stderr, hint: hintFor(access, found) });
    }
  }
  const named = lines.findLast((line) => /^(?:Fatal|panic):/.test(line));
  const last = named ?? lines.at(-1) ?? `exit code ${output.code}`;
  const message = `repository ${shown}: restic failed: ${last.replace(/^Fatal: /, "")}`;
  return new Problem("command-failed", message, { returncode, stderr, hint: again });
}

/** Returns the lines of stderr, with the messages of JSON in place of the JSON, and without stacks. */
function messagesOf({ stderr }: Output): string[] {
  return linesOf(stderr).flatMap((line) => {
    if (stackFrame.test(line)) return [];
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
