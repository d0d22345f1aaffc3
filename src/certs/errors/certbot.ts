// Explains why certbot failed. The certificate authority's own error comes first, and from the log: the output of certbot
// 2.1 has only "can't set attribute".

import type { HostReader, Output } from "../../host/host.ts";
import type { ProblemCode } from "../../problem/codes.ts";
import { Problem } from "../../problem/problem.ts";
import { linesOf } from "../../text/lines.ts";
import { serverUrl } from "../acme-servers.ts";
import { certbotLog, loggedRuns, showCertbotLog } from "../certbot-log.ts";
import { connectionFault } from "./connection.ts";
import { type AcmeError, type CertbotContext, type Explanation, shorten } from "./explanation.ts";
import { ownPortFault, validationFault, validationsIn } from "./validation.ts";

const mostLines = 5;
const diskFault = /No space left on device|Read-only file system|Disk quota exceeded/;

/** Returns the problem of a certbot that failed: what happened, and the command to run. */
export function certbotProblem(reader: HostReader, output: Output, context: CertbotContext): Problem {
  const text = `${output.stderr}\n${output.stdout}`;
  const unvalidated = validationsIn(output.stdout);
  // A full disk keeps certbot from writing its log, which then ends with an earlier run.
  const found = diskFault.test(text)
    ? null
    : (ownFault(text, context) ??
      ownPortFault(reader, unvalidated) ??
      validationFault(unvalidated, context) ??
      refusal(lastError(lastRun(reader, output)), context) ??
      connectionFault(text, context));
  if (found !== null) return new Problem(found.code, found.message, { hint: found.hint, returncode: output.code });
  const lines = summary(output);
  const message = `certbot failed: ${lines.at(-1) ?? `exit code ${output.code}`}`;
  return new Problem("command-failed", message, {
    hint: showCertbotLog,
    returncode: output.code,
    stderr: lines.join("\n"),
  });
}

/** Returns the last lines of certbot, without those that every failure has. */
function summary({ stderr }: Output): string[] {
  const usual = /^(?:Saving debug log|An unexpected error occurred|Ask for help or search|usage:|\s*certbot \[SUB)/;
  return linesOf(stderr)
    .filter((line) => !usual.test(line))
    .map(shorten)
    .slice(-mostLines);
}

/** Faults of certbot itself and of its command line. */
function ownFault(text: string, { again }: CertbotContext): Explanation | null {
  if (text.includes("Another instance of Certbot is already running")) {
    return { code: "locked", message: "another certbot is running", hint: again };
  }
  if (/unrecognized arguments:.*-profile/.test(text)) {
    return {
      code: "precondition-failed",
      message: "this certbot knows no profiles: they need version 4.0 or later",
      hint: withoutFlag(again, "--profile"),
    };
  }
  const email = /believes (\S+) is an invalid email address/.exec(text)?.[1];
  if (email !== undefined && email !== "None") {
    return {
      code: "invalid-value",
      message: `the certificate authority does not accept the e-mail address ${email}`,
      hint: withoutFlag(again, "--email"),
    };
  }
  return null;
}

/** Returns a command line without a flag and its value. */
export function withoutFlag(argv: readonly string[], flag: string): string[] {
  const at = argv.indexOf(flag);
  return at < 0 ? argv.filter((word) => !word.startsWith(`${flag}=`)) : [...argv.slice(0, at), ...argv.slice(at + 2)];
}

/** Returns the part of certbot's log that this run wrote. The log may be that of an earlier one: certbot names its own. */
function lastRun(reader: HostReader, { stderr }: Output): string {
  if (!stderr.includes(`Saving debug log to ${certbotLog}\n`)) return "";
  return loggedRuns(reader).at(-1) ?? "";
}

/** Returns the last error document of the authority. certbot repeats a request whose nonce was refused by itself. */
function lastError(run: string): AcmeError | null {
  // Some authorities put the status in between. A detail without an end is cut, as a longer one is.
  const documents =
    /"type":\s*"urn:ietf:params:acme:error:(\w{1,40})",\s*(?:"status":\s*\d{3},\s*)?"detail":\s*"((?:[^"\\]|\\.){0,2000})/g;
  const found = [...run.matchAll(documents)].filter(([, type]) => type !== "badNonce").at(-1);
  if (found === undefined) return null;
  const [, type = "", detail = ""] = found;
  const headers = run.slice(run.lastIndexOf("\nHTTP ", found.index), found.index);
  return { type, detail: unescapeJson(detail), retryAfter: /^Retry-After: *(.+)$/im.exec(headers)?.[1] };
}

function unescapeJson(text: string): string {
  try {
    return JSON.parse(`"${text}"`) as string;
  } catch {
    return text;
  }
}

/** Explains an error that the authority sent for a request other than a validation. */
function refusal(error: AcmeError | null, { again, server }: CertbotContext): Explanation | null {
  if (error === null) return null;
  const { type, detail, retryAfter } = error;
  const text = shorten(detail);
  const answer = (code: ProblemCode, message: string, hint: readonly string[] = again): Explanation => {
    return { code, message: `${message}: ${text}`, hint };
  };
  switch (type) {
    case "rateLimited":
      return answer(
        "limit-exceeded",
        `the certificate authority accepts no more requests${untilText(detail, retryAfter)}`,
      );
    case "dns":
      return answer("unreachable", "the certificate authority cannot resolve a name");
    case "caa":
      return answer("precondition-failed", "a CAA record does not allow this certificate authority");
    case "rejectedIdentifier":
    case "unsupportedIdentifier":
      return answer("invalid-value", "the certificate authority issues no certificate for this name");
    case "invalidContact":
    case "unsupportedContact":
      return answer(
        "invalid-value",
        "the certificate authority does not accept the e-mail address",
        withoutFlag(again, "--email"),
      );
    case "invalidProfile":
      return answer(
        "invalid-value",
        "the certificate authority does not offer this profile",
        withoutFlag(again, "--profile"),
      );
    case "userActionRequired":
      return answer("precondition-failed", "the certificate authority requires acceptance of its terms of service");
    case "externalAccountRequired": {
      const register = ["sudo", "certbot", "register", "--server", serverUrl(server), "--agree-tos"];
      const keys = ["--eab-kid", "KEY_ID", "--eab-hmac-key", "KEY"];
      return answer("precondition-failed", "the certificate authority needs an account from its operator", [
        ...register,
        ...keys,
      ]);
    }
    case "serverInternal":
      return answer("unexpected-response", "the certificate authority reports an internal error: try again later");
    default:
      return answer("unexpected-response", `the certificate authority refused the request (${type})`);
  }
}

/** Returns when the authority accepts requests again, from its text or its header. */
function untilText(detail: string, retryAfter: string | undefined): string {
  const until = /retry after (\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)? UTC)/i.exec(detail)?.[1];
  if (until !== undefined) return ` before ${until}`;
  if (retryAfter === undefined) return "";
  const value = shorten(retryAfter.trim());
  return /^\d{1,9}$/.test(value) ? ` for ${Math.ceil(Number(value) / 60)} min` : ` before ${value}`;
}
