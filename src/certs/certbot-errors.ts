// Explains why certbot failed. The certificate authority's own error comes first: certbot 2.1 loses it ("can't set
// attribute"), but its log has every response.

import type { HostReader, Output } from "../host/host.ts";
import type { ProblemCode } from "../problem/codes.ts";
import { Problem } from "../problem/problem.ts";
import { linesOf, oneLine } from "../text/lines.ts";
import { type CertbotContext, defaultServer, stagingServer } from "./certbot.ts";

export const certbotLog = "/var/log/letsencrypt/letsencrypt.log";

/** A run with a hundred names writes less. */
const mostLogBytes = 4 * 1024 * 1024;
const mostDetail = 300;
const mostLines = 5;

interface AcmeError {
  /** The last part of its URN. */
  type: string;
  detail: string;
  /** The name that was not validated. */
  name?: string;
  /** The server's Retry-After: seconds or a date. */
  retryAfter?: string | undefined;
}

interface Explanation {
  code: ProblemCode;
  message: string;
  hint: readonly string[];
}

/** Returns the problem of a certbot that failed: what happened, and the command to run. */
export function certbotProblem(reader: HostReader, output: Output, context: CertbotContext): Problem {
  const text = `${output.stderr}\n${output.stdout}`;
  const found =
    ownFault(text, context) ??
    validationFault(validationsIn(output.stdout), context) ??
    refusal(lastError(lastRun(reader)), context) ??
    connectionFault(text, context);
  if (found !== null) return new Problem(found.code, found.message, { hint: found.hint, returncode: output.code });
  const said = summary(output);
  const message = `certbot failed: ${said.at(-1) ?? `exit code ${output.code}`}`;
  const hint = ["sudo", "tail", "-n", "40", certbotLog];
  return new Problem("command-failed", message, { hint, returncode: output.code, stderr: said.join("\n") });
}

/** Returns what certbot says, without what it always says. */
function summary({ stderr }: Output): string[] {
  const usual = /^(?:Saving debug log|An unexpected error occurred|Ask for help or search|usage:|\s*certbot \[SUB)/;
  return linesOf(stderr)
    .filter((line) => !usual.test(line))
    .map(shorten)
    .slice(-mostLines);
}

function shorten(detail: string): string {
  const line = oneLine(detail);
  return line.length > mostDetail ? `${line.slice(0, mostDetail)}…` : line;
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
      hint: ["certbot", "--version"],
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

function withoutFlag(argv: readonly string[], flag: string): string[] {
  const at = argv.indexOf(flag);
  return at < 0 ? argv.filter((word) => !word.startsWith(`${flag}=`)) : [...argv.slice(0, at), ...argv.slice(at + 2)];
}

/** Returns the names that the authority did not validate, as certbot lists them. */
function validationsIn(stdout: string): AcmeError[] {
  const listed = /^ *Domain: +(\S+)\n *Type: +(\S+)\n *Detail: +(.+)$/gm;
  return [...stdout.matchAll(listed)].map(([, name = "", type = "", detail = ""]) => ({ name, type, detail }));
}

function validationFault(errors: readonly AcmeError[], context: CertbotContext): Explanation | null {
  const [first] = errors;
  if (first?.name === undefined) return null;
  const { code, message, hint } = validation(first, first.name, context);
  const others = errors.slice(1).map(({ name = "" }) => name);
  const more = others.length === 0 ? "" : `; ${others.slice(0, mostLines).join(", ")} failed too`;
  return { code, message: message + more, hint };
}

/** Explains an error of Let's Encrypt's or pebble's validation. */
function validation({ type, detail }: AcmeError, name: string, { again }: CertbotContext): Explanation {
  const said = shorten(detail);
  const page = `http://${name}/.well-known/acme-challenge/`;
  const ask = ["curl", "-sSi", page];
  if (type === "dns" || /could not resolve|NXDOMAIN|SERVFAIL|no valid A records/.test(detail)) {
    return {
      code: "unreachable",
      message: `the certificate authority finds no address of ${name}: ${said}`,
      hint: again,
    };
  }
  if (type === "caa") return caaFault(name, said, again);
  const status = /(?:returned|: "?)\s?([45]\d\d)"?$/.exec(said)?.[1];
  if (type === "unauthorized" && status !== undefined) {
    const message = `another server than this nginx answers for ${name}, with status ${status}: ${said}`;
    return { code: "not-served", message, hint: ask };
  }
  if (type === "unauthorized") {
    return { code: "not-served", message: `${name} answers the challenge with another text: ${said}`, hint: ask };
  }
  if (type === "connection" || type === "tls") {
    const listens = ["sudo", "ss", "-ltnp", "sport", "=", ":80"];
    const message = `the certificate authority cannot reach ${name} on port 80 (firewall, or an address of another host): ${said}`;
    return { code: "unreachable", message, hint: listens };
  }
  return { code: "unexpected-response", message: `${name} was not validated (${type}): ${said}`, hint: again };
}

function caaFault(name: string, said: string, again: readonly string[]): Explanation {
  const message = `the CAA record of ${name} does not allow this certificate authority: ${said}`;
  return { code: "precondition-failed", message, hint: again };
}

/** Returns the part of certbot's log that its last run wrote. */
function lastRun(reader: HostReader): string {
  const log = new TextDecoder().decode(reader.tail(certbotLog, mostLogBytes) ?? undefined);
  return log.slice(Math.max(0, log.lastIndexOf(":certbot version: ")));
}

/** Returns the last error document of the authority. certbot repeats a request whose nonce was refused by itself. */
function lastError(run: string): AcmeError | null {
  const documents = /"type":\s*"urn:ietf:params:acme:error:(\w+)",\s*"detail":\s*"((?:[^"\\]|\\.)*)"/g;
  const found = [...run.matchAll(documents)].filter(([, type]) => type !== "badNonce").at(-1);
  if (found === undefined) return null;
  const [, type = "", detail = ""] = found;
  const headers = run.slice(run.lastIndexOf("\nHTTP ", found.index), found.index);
  return { type, detail: unescaped(detail), retryAfter: /^Retry-After: *(.+)$/im.exec(headers)?.[1] };
}

function unescaped(text: string): string {
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
  const said = shorten(detail);
  const answer = (code: ProblemCode, message: string, hint: readonly string[] = again): Explanation => {
    return { code, message: `${message}: ${said}`, hint };
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
      return answer("precondition-failed", "the certificate authority wants its terms of service accepted");
    case "externalAccountRequired": {
      const register = ["sudo", "certbot", "register", "--server", urlOf(server), "--agree-tos"];
      const keys = ["--eab-kid", "KEY_ID", "--eab-hmac-key", "KEY"];
      return answer("precondition-failed", "the certificate authority needs an account from its operator", [
        ...register,
        ...keys,
      ]);
    }
    case "serverInternal":
      return answer("unexpected-response", "the certificate authority has a fault: try again later");
    default:
      return answer("unexpected-response", `the certificate authority refused the request (${type})`);
  }
}

/** Returns when the authority accepts requests again, from its text or its header. */
function untilText(detail: string, retryAfter: string | undefined): string {
  const until = /retry after (\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)? UTC)/i.exec(detail)?.[1];
  if (until !== undefined) return ` before ${until}`;
  if (retryAfter === undefined) return "";
  return /^\d+$/.test(retryAfter) ? ` for ${Math.ceil(Number(retryAfter) / 60)} min` : ` before ${retryAfter.trim()}`;
}

function urlOf(server: string | undefined): string {
  return server === "staging" ? stagingServer : (server ?? defaultServer);
}

/** Explains an authority that cannot be reached, or that is none. */
function connectionFault(text: string, { server }: CertbotContext): Explanation | null {
  const url = urlOf(server);
  const ask = ["curl", "-sSI", url];
  const unreachable = (why: string, hint = ask): Explanation => {
    return { code: "unreachable", message: `the certificate authority ${url} cannot be reached: ${why}`, hint };
  };
  if (/certificate (?:has expired|is not yet valid)/.test(text)) {
    return unreachable("its certificate is outside its dates: is the clock right?", ["timedatectl"]);
  }
  if (/CERTIFICATE_VERIFY_FAILED|CertificateError|SSLError/.test(text)) {
    const name = /[Hh]ostname mismatch|doesn't match/.test(text);
    if (name) return unreachable("its certificate is for another name");
    const why = "this host does not trust its certificate; copy its root to /usr/local/share/ca-certificates";
    return unreachable(why, ["sudo", "update-ca-certificates"]);
  }
  if (/Name or service not known|NameResolutionError|name resolution/.test(text))
    return unreachable("its name is not known");
  if (/Connection refused/.test(text)) return unreachable("connection refused");
  if (/timed out|Timeout/.test(text)) return unreachable("timed out");
  if (/No route to host|Network is unreachable/.test(text)) return unreachable("there is no way to it");
  if (/ConnectionError|Connection aborted|Connection reset/.test(text)) return unreachable("the connection was closed");
  const status = /<Response \[(\d+)\]>/.exec(text)?.[1];
  if (status !== undefined || /acme\.errors|JSONDecodeError|DeserializationError|Unexpected response/.test(text)) {
    const how = status === undefined ? "does not answer as one" : `answers with status ${status}`;
    return {
      code: "unexpected-response",
      message: `${url} is not the directory of a certificate authority: it ${how}`,
      hint: ask,
    };
  }
  return null;
}
