// Requests to GitLab: verify a runner, create one, delete one. Every response is treated as hostile, and no message
// contains a token.

import type { Host, HttpResponse } from "../../host/host.ts";
import { Problem } from "../../problem/problem.ts";
import { parseJson } from "../../text/json.ts";
import { oneLine } from "../../text/lines.ts";
import { Secret } from "../../text/secret.ts";
import { withFlag } from "../../text/with-flag.ts";

interface GitLabInstance {
  url: string;
  /** A read-only command does not retry a server that is overloaded. */
  impatient?: true;
  /** A file of certificate authorities that are trusted in addition to those of the system. */
  caPath?: string | undefined;
  /** The command to run again with another token. */
  again?: readonly string[];
}

/** A GitLab that a command registers a runner with. */
export type RegistrationServer = GitLabInstance & Required<Pick<GitLabInstance, "again">>;

/** The identity of a runner in GitLab. */
export interface CreatedRunner {
  id: number;
  token: Secret;
  /** RFC 3339, or null if it does not expire. */
  expires: string | null;
}

/** Maximum number of attempts, the same as in gitlab-runner 19.3, which waits slightly less between them. */
const attempts = 5;
const firstWaitMs = 500;
/** Longest Retry-After, in milliseconds, that is honoured. A longer one ends the attempts. */
const longestWaitMs = 60_000;
const shownCharacters = 200;
/** The end of the year 9999 in Unix milliseconds: TOML and RFC 3339 write no later date. */
const latestMs = 253_402_300_800_000;

/**
 * Returns the address of a GitLab as runners use it, without trailing slashes and the /ci that old runners appended.
 */
export function bareAddress(url: string): string {
  return url.replace(/\/+$/, "").replace(/\/ci$/, "");
}

/** Verifies that GitLab accepts this runner. Throws a Problem with the reason and a hint if it does not. */
export async function verify(
  host: Host,
  server: GitLabInstance,
  token: Secret,
  systemId: string,
): Promise<CreatedRunner> {
  const answer = await ask({
    host,
    server,
    method: "POST",
    path: "runners/verify",
    body: { system_id: systemId },
    token,
  });
  if (answer.status === 200) return runnerFromResponse(answer, server, token);
  if (isRefusal(answer, 401, 403)) {
    const message = `${server.url} does not know this token: it was mistyped, has expired, or its runner was deleted`;
    throw new Problem("token-rejected", message, { hint: server.again });
  }
  throw refusalProblem(answer, server, token);
}

/** Registers a runner with a registration token, which GitLab has deprecated. Throws a Problem if GitLab refuses. */
export async function registerByOldToken(
  host: Host,
  server: RegistrationServer,
  token: Secret,
  attributes: { description: string; tags: readonly string[] },
): Promise<CreatedRunner> {
  const { description, tags } = attributes;
  const body = {
    ...{ description, locked: true, run_untagged: tags.length === 0 },
    ...(tags.length > 0 && { tag_list: tags.join(",") }),
    info: { name: "edox-ops" },
  };
  const answer = await ask({ host, server, method: "POST", path: "runners", body, token });
  if (answer.status === 201) return createdRunnerFrom(host, answer, server, token);
  if (isRefusal(answer, 410)) {
    const message = `${server.url} takes no registration tokens any more: make the runner there, and take its glrt- token`;
    throw new Problem("token-rejected", message, { hint: server.again });
  }
  if (isRefusal(answer, 403)) {
    throw new Problem("token-rejected", `${server.url} does not know this registration token`, { hint: server.again });
  }
  throw refusalProblem(answer, server, token);
}

/** The attributes of a runner to create. */
interface NewRunner {
  project?: string | undefined;
  group?: string | undefined;
  description: string;
  tags: readonly string[];
  /** Whether it runs only jobs of protected branches. */
  isProtected: boolean;
}

/**
 * Creates a runner with an access token of the scope create_runner. GitLab returns the runner's own token only in this
 * response.
 */
export async function createRunner(host: Host, server: RegistrationServer, accessToken: Secret, attributes: NewRunner) {
  const { project, group, description, tags, isProtected } = attributes;
  const owner =
    project !== undefined
      ? { runner_type: "project_type", project_id: Number(project) }
      : group !== undefined
        ? { runner_type: "group_type", group_id: Number(group) }
        : { runner_type: "instance_type" };
  const body = {
    ...owner,
    ...{ description, tag_list: tags, run_untagged: tags.length === 0, locked: true },
    access_level: isProtected ? "ref_protected" : "not_protected",
  };
  const answer = await ask({ host, server, method: "POST", path: "user/runners", body, accessToken });
  if (answer.status === 201) return createdRunnerFrom(host, answer, server, accessToken);
  const hint = server.again;
  if (isRefusal(answer, 401))
    throw new Problem("token-rejected", `${server.url} does not know this access token`, { hint });
  if (isRefusal(answer, 403)) {
    const message = `${server.url} lets this access token make no runner: it needs the scope create_runner, and its owner the right${messageOf(answer, accessToken)}`;
    throw new Problem("token-rejected", message, { hint });
  }
  throw refusalProblem(answer, server, accessToken);
}

/**
 * Deletes a runner in GitLab. If it has an authentication token and was not created from here, only its registration
 * for this host is deleted. Returns "gone" if GitLab no longer knew it, and throws a Problem for any other refusal.
 */
export async function deleteRunner(
  host: Host,
  server: GitLabInstance,
  { token, systemId, isRegisteredHere }: { token: Secret; systemId: string | null; isRegisteredHere: boolean },
): Promise<"forgotten" | "gone"> {
  const [path, body] =
    token.matches(/^glrt-/) && !isRegisteredHere ? ["runners/managers", { system_id: systemId }] : ["runners", {}];
  const answer = await ask({ host, server, method: "DELETE", path, body, token });
  if (answer.status === 204) return "forgotten";
  if (isRefusal(answer, 403, 404)) return "gone";
  throw refusalProblem(answer, server, token);
}

/** A request as a runner, with its token in a header and in the body, or as the user of an access token. */
type ApiRequest = {
  host: Host;
  server: GitLabInstance;
  method: "POST" | "DELETE";
  path: string;
  body: object;
} & ({ token: Secret; accessToken?: never } | { accessToken: Secret; token?: never });

/**
 * Retries after too many requests (429) and server errors, but not after a refused connection. A request that creates a
 * runner is not repeated if the first one may have created it.
 */
async function ask({ host, server, method, path, body, ...tokens }: ApiRequest): Promise<HttpResponse> {
  const { url, caPath, impatient } = server;
  const address = `${bareAddress(url)}/api/v4/${path}`;
  const [sender, whole] =
    tokens.token === undefined
      ? [{ "PRIVATE-TOKEN": tokens.accessToken.reveal() }, body]
      : [{ "RUNNER-TOKEN": tokens.token.reveal() }, { token: tokens.token.reveal(), ...body }];
  const options = {
    headers: { ...sender, "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify(whole),
    ...(caPath !== undefined && { caPath }),
  };
  const makes = method === "POST" && path !== "runners/verify";
  for (let attempt = 1; ; attempt++) {
    const answer = await host.send(method, address, options);
    const passes = answer.status === 429 || answer.status === 503 || (!makes && answer.status >= 500);
    if (!passes || impatient || attempt === attempts) return answer;
    const retryAfterMs = Number(answer.headers["retry-after"] ?? Number.NaN) * 1000;
    if (retryAfterMs > longestWaitMs) return answer;
    await host.sleep(retryAfterMs >= 0 ? retryAfterMs : firstWaitMs * 2 ** (attempt - 1));
  }
}

function runnerFromResponse(answer: HttpResponse, server: GitLabInstance, secret: Secret): CreatedRunner {
  const json = jsonOf(answer);
  const { id, token, token_expires_at: expires = null } = json;
  const whole = isJson(answer) && typeof id === "number" && Number.isSafeInteger(id) && id > 0;
  const isText = expires === null || typeof expires === "string";
  const granted = token === undefined ? secret : typeof token === "string" ? new Secret(token) : null;
  if (!whole || !granted?.matches(tokenText) || !isText) {
    throw new Problem("unexpected-response", `${server.url} answers, but not as a GitLab does: is the address right?`);
  }
  const ms = expires === null ? 0 : Date.parse(expires);
  if (ms >= 0 && ms < latestMs) return { id, token: granted, expires };
  const printable = oneLine(expires ?? "").slice(0, shownCharacters);
  const message = `${server.url} answers with an invalid date in token_expires_at: '${printable}'`;
  throw new Problem("unexpected-response", message, { hint: ["curl", "-I", server.url] });
}

/** Returns the runner that this request created. If the response cannot be used, the runner is deleted in GitLab. */
async function createdRunnerFrom(
  host: Host,
  answer: HttpResponse,
  server: GitLabInstance,
  secret: Secret,
): Promise<CreatedRunner> {
  try {
    return runnerFromResponse(answer, server, secret);
  } catch (error) {
    const { token } = jsonOf(answer);
    if (isToken(token))
      await deleteRunner(host, server, { token: new Secret(token), systemId: null, isRegisteredHere: true }).catch(
        () => {},
      );
    throw error;
  }
}

/**
 * Returns whether GitLab itself responds with one of these status codes. Proxies, filters and login pages use the same
 * codes, and know nothing about runners. GitLab's refusals are JSON: their message begins with the status code, or
 * their error is a code of OAuth 2.0 (RFC 6750).
 */
function isRefusal(answer: HttpResponse, ...statuses: number[]): boolean {
  if (!statuses.includes(answer.status) || !isJson(answer)) return false;
  const { message, error } = jsonOf(answer);
  if (typeof message === "string") return message.startsWith(`${answer.status} `);
  return error === "insufficient_scope" || error === "invalid_token";
}

function isJson({ headers }: HttpResponse): boolean {
  return /^application\/json\s*(;|$)/i.test(headers["content-type"] ?? "");
}

const tokenText = /^[\w.=-]{1,500}$/;

function isToken(value: unknown): value is string {
  return typeof value === "string" && tokenText.test(value);
}

function jsonOf({ body }: HttpResponse): Record<string, unknown> {
  try {
    const json: unknown = parseJson(new TextDecoder().decode(body));
    return typeof json === "object" && json !== null ? (json as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function refusalProblem(answer: HttpResponse, server: GitLabInstance, secret: Secret): Problem {
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
function messageOf(answer: HttpResponse, secret: Secret): string {
  const { message, error } = jsonOf(answer);
  const words = message ?? error;
  const text = typeof words === "string" ? words : words === undefined ? "" : JSON.stringify(words);
  const plain = oneLine(secret.redactIn(text)).slice(0, shownCharacters);
  return plain === "" ? "" : ` (${plain})`;
}
