// Watches runs with --json=lines.

import { afterEach, expect, test } from "bun:test";
import Ajv from "ajv/dist/2020";
import type { RunEvent } from "../../src/report/schema.ts";
import { eventsOf, typed } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";
import { SiteHost } from "../sites/site-host.ts";

const sites: SiteHost[] = [];
afterEach(() => {
  for (const site of sites.splice(0)) site[Symbol.dispose]();
});

const summaryOf = (events: readonly RunEvent[]) => events.at(-1) as Extract<RunEvent, { event: "summary" }>;
const names = (events: readonly RunEvent[]) => events.map(({ event }) => event);

test("--json=lines: each event is on stdout before the next step begins, and the last one is the document", async () => {
  const host = fakeDebian();
  const { exit, out, err } = await typed("bootstrap --yes --json=lines", host);
  expect([exit, err]).toEqual([0, ""]);
  const events = eventsOf(out);
  const steps = events.filter(({ event }) => event === "started" || event === "finished");
  expect(names(steps).join(" ")).toMatch(/^(started finished ?)+$/);
  expect(summaryOf(events)).toMatchObject({ event: "summary", command: "bootstrap", outcome: "changed", exit: 0 });
  expect(names(events).filter((name) => name === "summary")).toHaveLength(1);
});

test("--json=lines: a failed step is an event with its error, and the summary has the same error", async () => {
  const { exit, out, err } = await typed("bootstrap --yes --fail-step nginx.prepare --json=lines");
  const events = eventsOf(out);
  const failed = events.find((each) => each.event === "finished" && each.step.result === "failed");
  expect([exit, err]).toEqual([1, ""]);
  expect(failed).toMatchObject({ step: { id: "nginx.prepare", error: { code: "failed-on-purpose" } } });
  expect(summaryOf(events)).toMatchObject({ outcome: "failed", exit: 1, error: { code: "failed-on-purpose" } });
});

test("--json=lines: a run that is refused prints only the summary", async () => {
  for (const [line, exit, code] of [
    ["bootstrap --json=lines", 2, "not-confirmed"],
    ["bootstrap --yes --fial-step a --json=lines", 2, "usage"],
    ["project deploy demo --json=lines", 1, "not-found"],
    ["project backups prune demo --json=lines", 1, "not-found"],
  ] as const) {
    const { out, ...rest } = await typed(line);
    expect([line, rest]).toEqual([line, { exit, err: "" }]);
    expect([line, eventsOf(out)]).toMatchObject([line, [{ event: "summary", exit, error: { code } }]]);
  }
});

test("--json=lines: a wait for another program is an event with its limit", async () => {
  const host = fakeDebian();
  host.locks.set("/var/lib/dpkg/lock", { pid: 7, command: "apt", sinceMs: 0 });
  const { sleep } = host;
  host.sleep = async (ms) => {
    host.locks.delete("/var/lib/dpkg/lock");
    await sleep(ms);
  };
  const { exit, out, err } = await typed("bootstrap --yes --json=lines", host);
  expect([exit, err]).toEqual([0, ""]);
  expect(eventsOf(out)).toContainEqual({
    event: "waiting",
    message: expect.stringMatching(/^waiting at most \d+ min until /),
    limit_ms: expect.any(Number),
  });
});

test("--json=lines: a publish reports its progress, its warnings, and the step within it", async () => {
  const site = await SiteHost.bootstrapped();
  sites.push(site);
  site.disk.write("/srv/new/index.html", "new");
  site.disk.write("/srv/new/.git/config", "");
  const { exit, out, err } = await site.type("project publish demo --domain demo.test --source /srv/new --json=lines");
  expect([exit, err]).toEqual([0, ""]);
  const events = eventsOf(out);
  expect(events).toContainEqual({ event: "progress", phase: "staged", files: 1, total: 1, bytes: 3 });
  const warning = "left out, as version control data: .git";
  expect(events).toContainEqual({ event: "warning", message: warning });
  const steps = events.flatMap((each) =>
    each.event === "started" || each.event === "finished" ? `${each.event} ${each.step.id}` : [],
  );
  expect(steps).toEqual([
    "started project.deploy",
    "started project.publish",
    "finished project.publish",
    "finished project.deploy",
  ]);
  expect(summaryOf(events)).toMatchObject({ outcome: "changed", warnings: [warning], deploy: { files: 1 } });
});

test("--json=lines: a deploy that is rolled back reports its operation as failed, and the summary the reason", async () => {
  const site = await SiteHost.bootstrapped();
  sites.push(site);
  site.disk.write("/srv/new/index.html", "new");
  site.answer = { code: 7, stdout: "", stderr: "curl: (7) no connection\n" };
  const line = "project publish demo --domain demo.test --source /srv/new --json=lines";
  const events = eventsOf((await site.type(line)).out);
  const ended = events.flatMap((each) => (each.event === "finished" ? [[each.step.id, each.step.result]] : []));
  expect(ended).toEqual([
    ["project.publish", "failed"],
    ["project.deploy", "failed"],
  ]);
  const { steps = [], ...summary } = summaryOf(events);
  expect(summary).toMatchObject({ outcome: "failed", exit: 1, error: { message: expect.any(String) } });
  expect(steps.map(({ id, result }) => [id, result])).toEqual(ended);
});

test("--json: the document of a run that an error ended has its warnings, and the steps until then", async () => {
  const site = await SiteHost.bootstrapped();
  sites.push(site);
  site.disk.write("/srv/new/index.html", "new");
  await site.type("project publish demo --domain demo.test --source /srv/new");
  const { move } = site.trees;
  Object.assign(site.trees, {
    move(from: string, to: string) {
      if (to.includes("/.removing-")) throw new Error("EIO: killed");
      move(from, to);
    },
  });
  const { exit, out } = await site.type("project remove demo --delete-files --yes --json");
  const { outcome, warnings, steps, error } = JSON.parse(out);
  expect([exit, outcome, warnings]).toEqual([1, "failed", []]);
  expect(steps.map(({ id, result }: { id: string; result: string }) => [id, result])).toEqual([
    ["project.disable", "changed"],
    ["project.delete-files", "failed"],
  ]);
  expect(error.message).toContain("it is still registered: killed");
});

test("--json: the document of a refused publish has the warning that was known before", async () => {
  const site = await SiteHost.bootstrapped();
  sites.push(site);
  const runner = '[[runners]]\nname = "ci"\nexecutor = "docker"\n[runners.docker]\nimage = "a"\nprivileged = true\n';
  site.fake.put("/etc/gitlab-runner/config.toml", runner, { mode: 0o600 });
  const { exit, out, err } = await site.type("project publish demo --domain demo.test --source /none --json");
  expect([exit, err, JSON.parse(out)]).toMatchObject([
    1,
    "",
    { outcome: "refused", warnings: [expect.stringContaining("runner ci is privileged")] },
  ]);
});

test("--json=lines: a closed pipe does not stop the run, and is a failure at its end", async () => {
  for (const [code, said] of [
    ["EPIPE", ""],
    ["ENOSPC", "error: stdout cannot be written: it takes nothing"],
  ] as const) {
    const host = fakeDebian();
    const { exit, err } = await typed("bootstrap --yes --json=lines", host, undefined, code);
    expect([exit, err.split("\n")[0]]).toEqual([1, said]);
    expect((await typed("bootstrap --check", host)).exit).toBe(0);
  }
});

test("--json: another value is refused, and the message names the two forms", async () => {
  for (const value of ["xml", "", "line"]) {
    const { exit, err } = await typed(`bootstrap --dry-run --json=${value}`);
    expect([exit, err.split("\n")[0]]).toEqual([2, `error: unknown --json=${value}: use --json or --json=lines`]);
  }
  const { exit, out } = await typed("bootstrap --dry-run --json --json=lines");
  expect([exit, JSON.parse(out).error.message]).toEqual([2, "--json and --json=lines are mutually exclusive"]);
  expect((await typed("doctor --json=lines")).exit).toBe(2);
});

test("--json=lines: every event satisfies the published schema", async () => {
  const schema = await Bun.file(`${import.meta.dir}/../../docs/edox-ops.schema.json`).json();
  const valid = new Ajv({ strict: true }).addSchema(schema, "edox-ops").getSchema("edox-ops#/$defs/event");
  const { out } = await typed("bootstrap --yes --diff --json=lines");
  for (const event of eventsOf(out)) {
    valid?.(event);
    expect([event, valid?.errors ?? []]).toEqual([event, []]);
  }
  expect(valid?.({ event: "finished", step: { id: "a" } })).toBe(false);
  expect(valid?.({ event: "summary" })).toBe(false);
});
