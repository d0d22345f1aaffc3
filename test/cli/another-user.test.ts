// Tests read-only commands as a user other than root.

import { beforeEach, expect, test } from "bun:test";
import * as v from "valibot";
import { documentSchema } from "../../src/report/schema.ts";
import { fakeDebian } from "../fake-debian.ts";
import { type FakeHost, ok } from "../fake-host.ts";
import { bootstrap, typed } from "./typed.ts";

let root: FakeHost;

beforeEach(async () => {
  root = await bootstrap(fakeDebian());
  root.put("/etc/edox-ops/projects.json", "{}", { mode: 0o600 });
});

/** Returns root's host as another user sees it. */
function seenByUser(): FakeHost {
  const other = fakeDebian({ uid: 1000 });
  other.nodes.clear();
  for (const [path, node] of root.nodes) other.nodes.set(path, node);
  other.now = root.now;
  other.hidden.add("/etc/edox-ops/").add("/etc/gitlab-runner/");
  return other;
}

test("doctor: checks that need root are counted in the last line, and are not failures", async () => {
  const { exit, out, err } = await typed("doctor", seenByUser());
  const hidden = out.match(/^\[WARN\] .* may only be read by root \(run: sudo edox-ops doctor\)$/gm) ?? [];
  expect(hidden.length).toBeGreaterThan(2);
  expect(out).toEndWith(
    `\nDoctor: no check failed, but ${hidden.length} could not be checked (run: sudo edox-ops doctor).\n`,
  );
  expect([exit, err]).toEqual([0, ""]);
});

test("doctor: with failing checks, the number of checks that need root is printed before theirs", async () => {
  root.remove("/run/systemd/units/invocation:nginx.service");
  const { exit, err } = await typed("doctor", seenByUser());
  expect(exit).toBe(1);
  expect(err).toMatch(
    /^Doctor: \d+ of the others could not be checked \(run: sudo edox-ops doctor\)\.\nDoctor found 1 failing check\(s\)\.\n$/,
  );
});

test("doctor --json: a check that needs root is unknown, and so is the outcome", async () => {
  const { exit, out } = await typed("doctor --json", seenByUser());
  const { outcome, findings = [] } = v.parse(documentSchema, JSON.parse(out));
  expect([exit, outcome]).toEqual([0, "unknown"]);
  expect(findings.find(({ name }) => name === "projects:managed")).toMatchObject({ status: "unknown" });
});

test("doctor --strict: a check that needs root counts as a failure", async () => {
  const { exit, err } = await typed("doctor --strict", seenByUser());
  expect([exit, err]).toEqual([1, expect.stringMatching(/^Doctor found \d+ failing check\(s\)\.\n$/)]);
});

test("nginx status: a configuration that the running nginx has loaded is valid", async () => {
  expect(await typed("nginx status", seenByUser())).toMatchObject({
    exit: 0,
    out: "installed: True\nactive: True\nconfig_valid: True\nconfig_check: the running nginx has loaded it\n",
  });
});

test("nginx status: a configuration that only root can test is unknown, with a hint", async () => {
  await root.sleep(1000);
  root.put("/etc/nginx/conf.d/theirs.conf", "# not loaded yet\n");
  const { exit, out } = await typed("nginx status", seenByUser());
  expect(exit).toBe(1);
  expect(out.split("\n").slice(2)).toEqual([
    "config_valid: unknown",
    "config_check: only root can test the configuration of nginx (run: sudo edox-ops nginx status)",
    "",
  ]);
});

test("read-only commands: records that only root can read exit 2, with a hint", async () => {
  for (const line of ["project list", "project show demo", "project validate demo", "gitlab-runner list"]) {
    expect(await typed(line, seenByUser())).toEqual({
      exit: 2,
      out: "",
      err: expect.stringMatching(
        new RegExp(`^error: /etc/\\S+ may only be read by root\nhint: sudo edox-ops ${line}\n$`),
      ),
    });
  }
});

test("gitlab-runner status: without root the runners are unknown, with a hint", async () => {
  root.put("/usr/bin/gitlab-runner", "", { mode: 0o755 });
  const other = seenByUser();
  other.taught.unshift((argv) => (argv.includes("--version") ? ok("Version:      18.0.0\n") : undefined));
  const said = "only root may read them (run: sudo edox-ops gitlab-runner status)";
  const { exit, out } = await typed("gitlab-runner status", other);
  expect([exit, out]).toEqual([0, expect.stringContaining(`\nrunners: ${said}\n`)]);
  const { outcome, warnings } = v.parse(
    documentSchema,
    JSON.parse((await typed("gitlab-runner status --json", other)).out),
  );
  expect([outcome, warnings]).toEqual(["unknown", [said]]);
});

test("publish, deploy and restore: without root a dry run's hint is the same command with sudo", async () => {
  for (const line of ["publish demo --domain demo.test --source /srv", "deploy demo --source /srv", "restore demo"]) {
    const { exit, err } = await typed(`project ${line} --dry-run`, seenByUser());
    expect([exit, err]).toEqual([
      2,
      expect.stringMatching(
        new RegExp(`^error: /etc/\\S+ may only be read by root\nhint: sudo edox-ops project ${line} --dry-run\n$`),
      ),
    ]);
  }
});

test.each([
  ["project deploy demo --exclude /etc", "project deploy"],
  ["project frobnicate demo", "project"],
  ["frobnicate", ""],
])("'%s': the hint is the help of the command that was found", async (line, command) => {
  const { exit, err } = await typed(line, root);
  expect([exit, err]).toEqual([2, expect.stringContaining(`\nhint: ${`edox-ops ${command}`.trim()} --help\n`)]);
});
