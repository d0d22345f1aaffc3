// Reads the responses of a GitLab. Each is treated as hostile, and no message contains a token.

import type { HttpResponse } from "../../host/host.ts";
import { Problem } from "../../problem/problem.ts";
import { parseJson } from "../../text/json.ts";
import { oneLine } from "../../text/lines.ts";
import type { Secret } from "../../text/secret.ts";
import { withFlag } from "../../text/with-flag.ts";
import { bareAddress, type GitLabInstance } from "./gitlab-api.ts";

/** The number of characters of a response that a message quotes. */
export const shownCharacters = 200;

/**
 * Returns whether GitLab itself responds with one of these status codes. Proxies, filters and login pages use the same
 * codes, and know nothing about runners. GitLab's refusals are JSON: their message begins with the status code, or
 * their error is a code of OAuth 2.0 (RFC 6750).
 */
export function isRefusal(answer: HttpResponse, ...statuses: number[]): boolean {
  if (!statuses.includes(answer.status) || !isJson(answer)) return false;
  const { message, error } = jsonOf(answer);
  if (typeof message === "string") return message.startsWith(`${answer.status} `);
  return error === "insufficient_scope" || error === "invalid_token";
}

export function isJson({ headers }: HttpResponse): boolean {
  return /^application\/json\s*(;|$)/i.test(headers["content-type"] ?? "");
}

export function jsonOf({ body }: HttpResponse): Record<string, unknown> {
  try {
    const json: unknown = parseJson(new TextDecoder().decode(body));
    return typeof json === "object" && json !== null ? (json as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

export function refusalProblem(answer: HttpResponse, server: GitLabInstance, secret: Secret): Problem {
  const { url, caPath } = server;
  const { status, reason, proxy } = answer;
  const hint = ["curl", "-v", ...(caPath === undefined ? [] : ["--cacert", caPath]), url];
  if (status === 0) {
    const unknown = reason.includes("authority") || reason.includes("signed by itself");
    const more = unknown && caPath === undefined ? ": give its authority's with --ca-file" : "";
    return new Problem("unreachable", `${url} cannot be reached: ${oneLine(reason)}${more}`, { hint });
  }
  if (proxy !== undefined && status === 407) {
    const advice = "http_proxy=http://USER:PASSWORD@HOST:PORT";
    const message = `${url} cannot be reached: the proxy ${proxy} requires a user name and password (${advice})`;
    return new Problem("unreachable", message, { hint });
  }
  if (status >= 300 && status < 400) return redirectProblem(answer, server);
  const way =
    proxy === undefined || isJson(answer) ? "" : ` through the proxy ${proxy}, which may have answered itself`;
  if (!isJson(answer) && [401, 403, 407, 410, 511].includes(status)) {
    const message = `${url} answers ${status}${way}, but not as GitLab does (${sender(answer)}): a proxy or firewall may refuse the request`;
    return new Problem("unexpected-response", message, { hint });
  }
  const when = status === 429 || status >= 500 ? ": try again later" : status === 404 ? ": is the address right?" : "";
  const later = when.includes("later") ? ["curl", "-I", url] : undefined;
  return new Problem("unexpected-response", `${url} answers ${status}${way}${messageOf(answer, secret)}${when}`, {
    hint: later,
  });
}

/**
 * Returns the Problem for a redirect. A GitLab that has moved redirects each path of its API, so its new address
 * precedes that path.
 */
function redirectProblem({ headers }: HttpResponse, { url, again }: GitLabInstance): Problem {
  const location = headers.location ?? "";
  const place = oneLine(location || "nowhere").slice(0, shownCharacters);
  const moved = URL.canParse(location, url) ? new URL(location, url).href : "";
  const base = /^(https?:\/\/[\w.[\]:-]+(?:\/[\w.~%-]+)*?)\/api\/v4\//.exec(moved)?.[1];
  // The token is never sent over a connection that others can read.
  const isOpen = base?.startsWith("http:") && url.startsWith("https:");
  if (base === undefined || base.length > shownCharacters || isOpen || base === bareAddress(url)) {
    const hint = ["curl", "-I", url];
    return new Problem("unexpected-response", `${url} redirects to ${place}, which is no address of a GitLab`, {
      hint,
    });
  }
  const hint = again && withFlag(again, "--url", base);
  return new Problem("unexpected-response", `${url} redirects to ${base}: use that address`, { hint });
}

/** Returns the content type of the response and its server, such as "text/html from cloudflare". */
function sender({ headers }: HttpResponse): string {
  const shown = (name: string): string => oneLine(headers[name] ?? "").slice(0, shownCharacters);
  const server = shown("server");
  return `${shown("content-type") || "no content type"}${server === "" ? "" : ` from ${server}`}`;
}

/** Returns GitLab's own message in parentheses. It is a text, or an array of texts for each field. */
export function messageOf(answer: HttpResponse, secret: Secret): string {
  const { message, error } = jsonOf(answer);
  const words = message ?? error;
  const text = typeof words === "string" ? words : words === undefined ? "" : JSON.stringify(words);
  const plain = oneLine(secret.redactIn(text)).slice(0, shownCharacters);
  return plain === "" ? "" : ` (${plain})`;
}
