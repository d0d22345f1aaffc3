// What the commands make of a runner that is paused, locked or protected in GitLab. `runners/verify` shows none of it, so no
// command may claim that the runner receives jobs.

import { expect, test } from "bun:test";
import type { HttpResponse } from "../../src/host/host.ts";
import { typedWords } from "../cli/typed.ts";
import { ok } from "../fake-host.ts";
import type { RunnerSettings, WantedJob } from "../stand-in/gitlab.ts";
import { respond, state, tokens } from "../stand-in/gitlab-api.ts";
import { preparedRunner } from "./prepared-runner.ts";

const url = "https://gitlab.test";
const register = ["register", "--url", url, "--profile", "ci"];

/** Returns a prepared host that reaches the stand-in, which runs in this process. */
async function connected() {
  const { host, ops } = await preparedRunner();
  host.taught.unshift(([program]) => (program === "gitlab-runner" ? ok("Version:      19.4.0\n") : undefined));
  host.put("/etc/gitlab-runner/.runner_system_id", "s_0123456789ab");
  host.send = async (method, address, { body = "", headers = {} } = {}): Promise<HttpResponse> => {
    const answer = await respond(new Request(address, { method, headers, body }));
    const { status, statusText: reason } = answer;
    const bytes = new Uint8Array(await answer.arrayBuffer());
    return { status, reason, headers: Object.fromEntries(answer.headers), body: bytes };
  };
  return { host, ops };
}

/** Returns whether GitLab gives this runner such a job. */
async function receives(token: string, job: Omit<WantedJob, "script" | "token"> = {}): Promise<boolean> {
  state.steer("job", { script: "true", token, ...job });
  const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ token }) };
  const { status } = await respond(new Request(`${url}/api/v4/jobs/request`, options));
  state.jobs.length = 0;
  expect(status).toBeOneOf([201, 204]);
  return status === 201;
}

for (const [what, settings, job] of [
  ["is paused", { paused: true }, {}],
  ["is protected", { accessLevel: "ref_protected" }, { isProtected: false }],
  ["belongs to another project", { project: 2 }, { project: 1 }],
] as [string, RunnerSettings, Omit<WantedJob, "script">][]) {
  test(`a runner that ${what}: register, status, doctor and unregister report its token, and nothing about its jobs`, async () => {
    const { host, ops } = await connected();
    const { token } = state.addRunner(undefined, settings);
    expect(await receives(token, job)).toBe(false);

    const registered = await ops(...register, "--token", token);
    expect(registered).toMatchObject({ exit: 0, err: "" });
    const status = await ops("status");
    expect([status.exit, status.out]).toEqual([0, expect.stringContaining(", ours, accepted: yes\n")]);
    const { out } = await typedWords(["doctor"], host);
    expect(out).toContain("[OK] ci-runner:token: GitLab accepts the token of every runner\n");
    expect(registered.out + status.out + out).not.toMatch(/takes every runner|takes jobs|receives jobs/);

    expect(await ops("unregister", "edox-ops CI runner")).toMatchObject({ exit: 0, err: "" });
    expect(host.text("/etc/gitlab-runner/config.toml")).not.toContain(token);
    state.addRunner(token, { paused: false, accessLevel: "not_protected", project: undefined });
    expect(await receives(token, job)).toBe(true);
  });
}

for (const [flags, isOpen, line] of [
  [
    [],
    true,
    "[WARN] ci-runner:guard: edox-ops CI runner runs privileged containers for every branch: protect it in GitLab",
  ],
  [
    ["--protected"],
    false,
    "[OK] ci-runner:guard: every privileged runner was created for protected branches and tags only",
  ],
] as const) {
  test(`register --project ${flags.join(" ")}: the runner is created as doctor reports it, and not paused`, async () => {
    const { host, ops } = await connected();
    const before = new Set(state.runners.keys());
    const words = ["--access-token", tokens.personal, "--project", "7", ...flags];
    expect(await ops(...register, ...words)).toMatchObject({ exit: 0, err: "" });
    const [token = ""] = [...state.runners.keys()].filter((each) => !before.has(each));
    expect(await receives(token, { project: 7 })).toBe(true);
    expect(await receives(token, { project: 7, isProtected: false })).toBe(isOpen);
    expect(await receives(token, { project: 8 })).toBe(false);
    expect((await typedWords(["doctor"], host)).out).toContain(line);
  });
}
