// The actions of GitLab on a runner: verify it, create it, delete it.

import type { Host, HttpResponse } from "../../host/host.ts";
import { Problem } from "../../problem/problem.ts";
import { oneLine } from "../../text/lines.ts";
import { Secret } from "../../text/secret.ts";
import { ask, type GitLabInstance, type RegistrationServer } from "./gitlab-api.ts";
import { isJson, isRefusal, jsonOf, messageOf, refusalProblem, shownCharacters } from "./gitlab-response.ts";

/** The identity of a runner in GitLab. */
export interface CreatedRunner {
  id: number;
  token: Secret;
  /** RFC 3339, or null if it does not expire. */
  expires: string | null;
}

/** The end of the year 9999 in Unix milliseconds: TOML and RFC 3339 write no later date. */
const latestMs = 253_402_300_800_000;

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
  const printable = oneLine(granted.redactIn(secret.redactIn(expires ?? ""))).slice(0, shownCharacters);
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

const tokenText = /^[\w.=-]{1,500}$/;

function isToken(value: unknown): value is string {
  return typeof value === "string" && tokenText.test(value);
}
