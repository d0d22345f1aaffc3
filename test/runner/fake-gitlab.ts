// A fake GitLab in this process. It responds as the real one does, or as the test sets it.

import type { HttpResponse } from "../../src/host/host.ts";
import type { FakeHost } from "../fake-host.ts";

interface Reply {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
  /** The content type. The default is JSON for an object and HTML for anything else. */
  type?: string;
  proxy?: string;
}

export const forbidden: Reply = { status: 403, body: { message: "403 Forbidden" } };
const unauthorized: Reply = { status: 401, body: { message: "401 Unauthorized" } };
const gone: Reply = { status: 410, body: { message: "410 Gone - runner registration disallowed" } };
const notFound: Reply = { status: 404, body: { error: "404 Not Found" } };

export interface FakeGitLab {
  /** Tokens of runners, with their numbers. */
  runners: Map<string, number>;
  accessTokens: Set<string>;
  registrationTokens: Set<string>;
  /** Responses that are used first, one for each request. */
  next: Reply[];
  /** The requests that were sent. */
  sent: { path: string; body: Record<string, unknown>; headers: Record<string, string> }[];
}

export function fakeGitLab(host: FakeHost, url: string): FakeGitLab {
  const gitlab: FakeGitLab = {
    runners: new Map(),
    accessTokens: new Set(),
    registrationTokens: new Set(),
    next: [],
    sent: [],
  };
  const created = (prefix: string): Reply => {
    const id = 100 + gitlab.runners.size;
    const token = `${prefix}made-${id}`;
    gitlab.runners.set(token, id);
    return { status: 201, body: { id, token, token_expires_at: null } };
  };
  const forgotten = (token: string): Reply => (gitlab.runners.delete(token) ? { status: 204 } : forbidden);
  const answers: Record<string, (token: string, access: string) => Reply> = {
    "POST runners/verify"(token) {
      const id = gitlab.runners.get(token);
      return id === undefined ? forbidden : { status: 200, body: { id, token, token_expires_at: null } };
    },
    "POST runners": (token) => (gitlab.registrationTokens.has(token) ? created("") : gone),
    "POST user/runners": (_, access) => (gitlab.accessTokens.has(access) ? created("glrt-") : unauthorized),
    "DELETE runners/managers": (token) => (gitlab.runners.has(token) ? { status: 204 } : forbidden),
    "DELETE runners": forgotten,
  };
  host.served.push((method, asked, { body = "{}", headers = {} }): Partial<HttpResponse> | undefined => {
    const start = `${url}/api/v4/`;
    if (!asked.startsWith(start)) return undefined;
    const path = asked.slice(start.length);
    const json = JSON.parse(body) as Record<string, unknown>;
    gitlab.sent.push({ path, body: json, headers });
    const answer = answers[`${method} ${path}`];
    const reply = gitlab.next.shift() ?? answer?.(String(json.token), headers["PRIVATE-TOKEN"] ?? "") ?? notFound;
    const text = typeof reply.body === "string" ? reply.body : JSON.stringify(reply.body ?? {});
    const type = reply.type ?? (typeof reply.body === "object" ? "application/json" : "text/html");
    const { status, proxy } = reply;
    const answered = { status, ...(proxy !== undefined && { proxy }) };
    return { ...answered, headers: { "content-type": type, ...reply.headers }, body: new TextEncoder().encode(text) };
  });
  return gitlab;
}
