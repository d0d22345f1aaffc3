// State and responses of the GitLab stand-in, in the process that serves them.

import type { Answer, Asked, JobState, RunnerSettings, WantedJob } from "./gitlab.ts";

/** Tokens that are valid from the start. */
export const tokens = {
  /** May create runners. */
  personal: "glpat-stand-in-create-runner",
  /** Its scope does not allow that. */
  reading: "glpat-stand-in-read-api",
  registration: "GR1348941stand-in-registration",
} as const;

interface Runner extends RunnerSettings {
  id: number;
  token: string;
}

interface Job extends JobState {
  token: string;
  wanted: WantedJob;
}

class State {
  readonly requests: Asked[] = [];
  readonly runners = new Map<string, Runner>();
  readonly jobs: Job[] = [];
  readonly refused = new Set<string>();
  registrationAllowed = true;
  private readonly answers: Answer[] = [];
  private lastId = 40;

  addRunner(
    token = `glrt-${crypto.randomUUID().replaceAll("-", "").slice(0, 20)}`,
    settings: RunnerSettings = {},
  ): Runner {
    const runner = Object.assign(this.runners.get(token) ?? { id: ++this.lastId, token }, settings);
    this.runners.set(token, runner);
    return runner;
  }

  /** Runs a command of the test. */
  steer(what: string, value: unknown): unknown {
    switch (what) {
      case "answer":
        return void this.answers.splice(0, Number.POSITIVE_INFINITY, ...(value as Answer[]));
      case "requests":
        return this.requests;
      case "runner": {
        const { token, settings } = value as { token?: string; settings: RunnerSettings };
        return this.addRunner(token, settings).token;
      }
      case "refuse":
        return void this.refused.add(value as string);
      case "disallow":
        this.registrationAllowed = false;
        return null;
      case "job":
        return this.addJob(value as WantedJob);
      default:
        return this.jobs.find(({ id }) => id === value);
    }
  }

  private addJob(wanted: WantedJob): number {
    const id = 1001 + this.jobs.length;
    this.jobs.push({ id, state: "pending", trace: "", token: `glcbt-${id}-${crypto.randomUUID()}`, wanted });
    return id;
  }

  /** Returns the response that the test planned for this path, and counts it down. */
  planned(path: string): Answer | undefined {
    const at = this.answers.findIndex((each) => path.includes(each.path ?? ""));
    const answer = this.answers[at];
    if (answer === undefined) return undefined;
    answer.times = (answer.times ?? 1) - 1;
    if (answer.times === 0) this.answers.splice(at, 1);
    return answer;
  }
}

export const state = new State();

type Body = Record<string, unknown>;
interface Call {
  body: Body;
  text: string;
  headers: Headers;
  token: string;
  groups: string[];
}

const routes: [string, RegExp, (call: Call) => Response][] = [
  ["POST", /^runners\/verify$/, verify],
  ["POST", /^runners$/, createByRegistration],
  ["DELETE", /^runners(\/managers)?$/, remove],
  ["POST", /^user\/runners$/, createByUser],
  ["POST", /^jobs\/request$/, request],
  ["PUT", /^jobs\/(\d+)$/, update],
  ["PATCH", /^jobs\/(\d+)\/trace$/, trace],
];

const said = (status: number, message: unknown, headers: Record<string, string> = {}): Response =>
  Response.json({ message }, { status, headers });

export async function respond(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  const text = await request.text();
  const headers = Object.fromEntries(request.headers);
  state.requests.push({ method: request.method, path: pathname, headers, body: text });
  const plan = state.planned(pathname);
  if (plan?.delayMs) await Bun.sleep(plan.delayMs);
  if (plan?.status !== undefined) return wanted(plan, plan.status);
  // An instance may be installed below a path.
  const path = pathname.replace(/^.*\/api\/v4\//, "");
  for (const [method, pattern, answer] of routes) {
    const groups = pattern.exec(path);
    if (method !== request.method || groups === null || !pathname.includes("/api/v4/")) continue;
    const body = decoded(text, request.headers.get("Content-Type") ?? "");
    const token = String(body.token ?? request.headers.get("JOB-TOKEN") ?? "");
    return answer({ body, text, headers: request.headers, token, groups: groups.slice(1) });
  }
  if (pathname.includes("/api/")) return Response.json({ error: "404 Not Found" }, { status: 404 });
  return new Response("<!DOCTYPE html><title>GitLab</title>\n", {
    status: 404,
    headers: { "Content-Type": "text/html" },
  });
}

function wanted({ headers = {}, body = "" }: Answer, status: number): Response {
  if (typeof body === "object") return Response.json(body, { status, headers });
  return new Response(status === 204 ? null : body, { status, headers });
}

function decoded(text: string, type: string): Body {
  if (type.startsWith("application/x-www-form-urlencoded")) return Object.fromEntries(new URLSearchParams(text));
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === "object" && body !== null ? (body as Body) : {};
  } catch {
    return {};
  }
}

function shown({ id, token }: Runner): Body {
  return { id, token, token_expires_at: null };
}

const known = (token: string): Runner | undefined => (state.refused.has(token) ? undefined : state.runners.get(token));

function verify({ token, body }: Call): Response {
  if (body.token === undefined) return Response.json({ error: "token is missing" }, { status: 400 });
  const runner = known(token);
  return runner ? Response.json(shown(runner)) : said(403, "403 Forbidden");
}

function createByRegistration({ token, body }: Call): Response {
  if (token === "") return Response.json({ error: "token is missing" }, { status: 400 });
  if (!state.registrationAllowed) return said(410, "410 Gone - runner registration disallowed");
  if (token !== tokens.registration || state.refused.has(token))
    return said(403, "403 Forbidden - invalid token supplied");
  if (body.run_untagged === false && !body.tag_list) {
    return said(400, { tags_list: ["can not be empty when runner is not allowed to pick untagged jobs"] });
  }
  const runner = state.addRunner(crypto.randomUUID().replaceAll("-", "").slice(0, 20));
  return Response.json(shown(runner), { status: 201 });
}

function remove({ token }: Call): Response {
  if (known(token) === undefined) return said(403, "403 Forbidden");
  // Only this manager is removed. The runner stays, because it may have managers on other machines.
  if (!token.startsWith("glrt-")) state.runners.delete(token);
  return new Response(null, { status: 204 });
}

const runnerTypes = ["instance_type", "group_type", "project_type"];

function createByUser({ body, headers }: Call): Response {
  const token = headers.get("PRIVATE-TOKEN") ?? headers.get("Authorization")?.replace(/^Bearer /, "") ?? "";
  if (![tokens.personal, tokens.reading].some((each) => each === token) || state.refused.has(token))
    return said(401, "401 Unauthorized");
  if (token === tokens.reading) {
    const error_description = "The request requires higher privileges than provided by the access token.";
    return Response.json({ error: "insufficient_scope", error_description, scope: "create_runner" }, { status: 403 });
  }
  const error = wrongParameter(body);
  if (error !== "") return Response.json({ error }, { status: 400 });
  const tags = [body.tag_list ?? []].flat().filter((each) => each !== "");
  if (String(body.run_untagged) === "false" && tags.length === 0) {
    return said(400, "400 Bad request - Tags list can not be empty when runner is not allowed to pick untagged jobs");
  }
  const settings: RunnerSettings = {
    paused: String(body.paused) === "true",
    accessLevel: body.access_level === "ref_protected" ? "ref_protected" : "not_protected",
    project: body.project_id === undefined ? undefined : Number(body.project_id),
  };
  return Response.json(shown(state.addRunner(undefined, settings)), { status: 201 });
}

function wrongParameter(body: Body): string {
  const type = body.runner_type;
  if (type === undefined) return "runner_type is missing, runner_type does not have a valid value";
  if (!runnerTypes.includes(String(type))) return "runner_type does not have a valid value";
  if (type === "group_type" && body.group_id === undefined) return "group_id is missing";
  if (type === "project_type" && body.project_id === undefined) return "project_id is missing";
  const level = body.access_level;
  if (level !== undefined && !["not_protected", "ref_protected"].includes(String(level))) {
    return "access_level does not have a valid value";
  }
  const timeout = body.maximum_timeout;
  if (timeout !== undefined && !/^\d+$/.test(String(timeout))) return "maximum_timeout is invalid";
  if (timeout !== undefined && Number(timeout) < 600) return "maximum_timeout needs to be at least 10 minutes";
  if (String(body.maintenance_note ?? "").length > 1024)
    return "maintenance_note is too long (maximum is 1024 characters)";
  return "";
}

function request({ token }: Call): Response {
  const runner = known(token);
  if (runner === undefined) return said(403, "403 Forbidden");
  const job = state.jobs.find((each) => each.state === "pending" && receives(runner, each.wanted));
  if (job === undefined) return new Response(null, { status: 204, headers: { "X-GitLab-Last-Update": lastUpdate() } });
  job.state = "running";
  return Response.json(payload(job), { status: 201 });
}

function receives(runner: Runner, { token = runner.token, project = 1, isProtected = true }: WantedJob): boolean {
  if (runner.paused || token !== runner.token) return false;
  return (isProtected || runner.accessLevel !== "ref_protected") && project === (runner.project ?? project);
}

const lastUpdate = (): string => new Bun.CryptoHasher("md5").update(String(state.jobs.length)).digest("hex");

function payload({ id, token, wanted: { script, image, variables = {}, project = 1 } }: Job): Body {
  const step = { name: "script", script: [script].flat(), timeout: 3600, when: "on_success", allow_failure: false };
  const all = { GIT_STRATEGY: "none", CI: "true", CI_JOB_ID: String(id), ...variables };
  return {
    id,
    token,
    allow_git_fetch: true,
    job_info: { id, name: "test", stage: "test", project_id: project, project_name: "project" },
    git_info: { repo_url: "http://gitlab.test/group/project.git", ref: "main", sha: "0".repeat(40), refspecs: [] },
    runner_info: { timeout: 3600 },
    variables: Object.entries(all).map(([key, value]) => ({ key, value, public: true, masked: false })),
    steps: [step],
    image: image === undefined ? null : { name: image },
    services: [],
    artifacts: [],
    cache: [],
    credentials: [],
    dependencies: [],
    features: {
      trace_sections: true,
      failure_reasons: ["script_failure", "runner_system_failure", "runner_interrupted"],
    },
  };
}

function jobOf({ groups, token }: Call): Job | undefined {
  return state.jobs.find((each) => each.id === Number(groups[0]) && each.token === token);
}

function update(call: Call): Response {
  const job = jobOf(call);
  const { body } = call;
  if (job === undefined) return said(403, "403 Forbidden");
  if (job.state !== "running") return said(403, "403 Forbidden - Job is not running", { "Job-Status": job.state });
  const next = String(body.state ?? "");
  if (!["running", "success", "failed"].includes(next)) {
    return Response.json({ error: "state does not have a valid value" }, { status: 400 });
  }
  job.state = next as Job["state"];
  if (typeof body.failure_reason === "string") job.failureReason = body.failure_reason;
  if (typeof body.exit_code === "number") job.exitCode = body.exit_code;
  return new Response("200", { headers: { "Job-Status": job.state, "X-GitLab-Trace-Update-Interval": "3" } });
}

function trace(call: Call): Response {
  const job = jobOf({ ...call, token: call.headers.get("JOB-TOKEN") ?? "" });
  if (job === undefined) return said(403, "403 Forbidden");
  const [, from, to] = /^(\d+)-(\d+)$/.exec(call.headers.get("Content-Range") ?? "") ?? [];
  if (from === undefined || to === undefined) return said(400, "400 Missing header Content-Range");
  const size = Buffer.byteLength(job.trace);
  if (Number(from) !== size) return new Response(null, { status: 416, headers: { Range: `0-${size}` } });
  job.trace += call.text;
  const range = `0-${Buffer.byteLength(job.trace)}`;
  const headers = { "Job-Status": job.state, Range: range, "X-GitLab-Trace-Update-Interval": "3" };
  return new Response(range, { status: 202, headers });
}
