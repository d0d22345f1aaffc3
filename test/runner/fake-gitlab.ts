// A GitLab in memory, for what asks it in this process. It answers as the real one does, or as it is told.

import type { Answer } from "../../src/host/host.ts";
import type { FakeHost } from "../fake-host.ts";

interface Told {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

export interface FakeGitLab {
  /** Tokens of runners, with their numbers. */
  runners: Map<string, number>;
  accessTokens: Set<string>;
  registrationTokens: Set<string>;
  /** Answers that come first, one a request. */
  next: Told[];
  /** Bodies that were sent, by path. */
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
  const made = (prefix: string): Told => {
    const id = 100 + gitlab.runners.size;
    const token = `${prefix}made-${id}`;
    gitlab.runners.set(token, id);
    return { status: 201, body: { id, token, token_expires_at: null } };
  };
  const forgotten = (token: string): Told => ({ status: gitlab.runners.delete(token) ? 204 : 403 });
  const answers: Record<string, (token: string, access: string) => Told> = {
    "POST runners/verify"(token) {
      const id = gitlab.runners.get(token);
      return id === undefined ? { status: 403 } : { status: 200, body: { id, token, token_expires_at: null } };
    },
    "POST runners": (token) => (gitlab.registrationTokens.has(token) ? made("") : { status: 410 }),
    "POST user/runners": (_, access) => (gitlab.accessTokens.has(access) ? made("glrt-") : { status: 401 }),
    "DELETE runners/managers": (token) => ({ status: gitlab.runners.has(token) ? 204 : 403 }),
    "DELETE runners": forgotten,
  };
  host.served.push((method, asked, { body = "{}", headers = {} }): Partial<Answer> | undefined => {
    const start = `${url}/api/v4/`;
    if (!asked.startsWith(start)) return undefined;
    const path = asked.slice(start.length);
    const json = JSON.parse(body) as Record<string, unknown>;
    gitlab.sent.push({ path, body: json, headers });
    const answer = answers[`${method} ${path}`];
    const told = gitlab.next.shift() ?? answer?.(String(json.token), headers["PRIVATE-TOKEN"] ?? "") ?? { status: 404 };
    const text = typeof told.body === "string" ? told.body : JSON.stringify(told.body ?? {});
    return { status: told.status, headers: told.headers ?? {}, body: new TextEncoder().encode(text) };
  });
  return gitlab;
}
