// Sends requests to the API of a GitLab.

import type { Host, HttpResponse } from "../../host/host.ts";
import type { Secret } from "../../text/secret.ts";

export interface GitLabInstance {
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

/** Maximum number of attempts, the same as in gitlab-runner 19.3, which waits slightly less between them. */
const attempts = 5;
const firstWaitMs = 500;
/** Longest Retry-After, in milliseconds, that is honoured. A longer one ends the attempts. */
const longestWaitMs = 60_000;

/**
 * Returns the address of a GitLab as runners use it, without trailing slashes and the /ci that old runners appended.
 */
export function bareAddress(url: string): string {
  return url.replace(/\/+$/, "").replace(/\/ci$/, "");
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
export async function ask({ host, server, method, path, body, ...tokens }: ApiRequest): Promise<HttpResponse> {
  const { url, caPath, impatient } = server;
  const address = `${bareAddress(url)}/api/v4/${path}`;
  const secret = tokens.token ?? tokens.accessToken;
  const [sender, whole] =
    tokens.token === undefined
      ? [{ "PRIVATE-TOKEN": secret.reveal() }, body]
      : [{ "RUNNER-TOKEN": secret.reveal() }, { token: secret.reveal(), ...body }];
  const options = {
    headers: { ...sender, "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify(whole),
    ...(caPath !== undefined && { caPath }),
  };
  const makes = method === "POST" && path !== "runners/verify";
  for (let attempt = 1; ; attempt++) {
    const answer = withoutSecret(await host.send(method, address, options), secret);
    const passes = answer.status === 429 || answer.status === 503 || (!makes && answer.status >= 500);
    if (!passes || impatient || attempt === attempts) return answer;
    const retryAfterMs = Number(answer.headers["retry-after"] ?? Number.NaN) * 1000;
    if (retryAfterMs > longestWaitMs) return answer;
    await host.sleep(retryAfterMs >= 0 ? retryAfterMs : firstWaitMs * 2 ** (attempt - 1));
  }
}

/** A server may repeat the token in anything but the body, which messages print. The body returns a token by design. */
function withoutSecret({ headers, reason, ...answer }: HttpResponse, secret: Secret): HttpResponse {
  const printable = Object.entries(headers).map(([name, value]) => [name, secret.redactIn(value)]);
  return { ...answer, reason: secret.redactIn(reason), headers: Object.fromEntries(printable) };
}
