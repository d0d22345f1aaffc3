import { describe, expect, test } from "bun:test";
import { bootstrap } from "../../src/bootstrap/recipe.ts";
import { examineFeatures } from "../../src/doctor/collect.ts";
import { examine, recipeOf, stepsToRun } from "../../src/doctor/doctor.ts";
import { entries as ofHost } from "../../src/doctor/entries.ts";
import { converge } from "../../src/engine/converge.ts";
import { gatherFacts } from "../../src/engine/facts.ts";
import { type Feature, optionalStep } from "../../src/engine/feature.ts";
import type { Check, Finding } from "../../src/engine/finding.ts";
import type { Recipe, Resource } from "../../src/engine/step.ts";
import type { HostReader } from "../../src/host/host.ts";
import { nginxChecks } from "../../src/nginx/checks.ts";
import { catchAllPath } from "../../src/nginx/paths.ts";
import { fakeDebian } from "../fake-debian.ts";
import type { FakeHost } from "../fake-host.ts";

const entries = [...ofHost, ...nginxChecks];

async function finding(name: string, host: FakeHost) {
  return (await examine(host, [], entries)).find((each) => each.name === name);
}

describe("resources of the recipes", () => {
  const limits = "/etc/nginx/conf.d/edox-ops-limits.conf";
  const state = "/etc/edox-ops";
  const cases: [string, (host: FakeHost) => void, string, "warning" | "error"][] = [
    ["a file of another version", (host) => host.put(limits, "# older\n"), "nginx:limits", "warning"],
    ["a file that others can change", (host) => host.put(limits, "# x\n", { mode: 0o666 }), "nginx:limits", "error"],
    ["a file of another owner", (host) => host.put(limits, "# x\n", { uid: 33 }), "nginx:limits", "error"],
    ["a missing file", (host) => host.remove(limits), "nginx:limits", "error"],
    ["a missing server for unknown names", (host) => host.remove(catchAllPath), "nginx:unknown-names", "warning"],
    ["a directory that others can read", (host) => host.dir(state, { mode: 0o755 }), `state:${state}`, "warning"],
    ["a directory that others can change", (host) => host.dir(state, { mode: 0o777 }), `state:${state}`, "error"],
    ["a directory of another owner", (host) => host.dir(state, { uid: 33, mode: 0o750 }), `state:${state}`, "error"],
    ["a missing directory", (host) => host.nodes.delete(state), `state:${state}`, "warning"],
    [
      "nginx that does not run",
      (host) => host.remove("/run/systemd/units/invocation:nginx.service"),
      "nginx:active",
      "error",
    ],
  ];
  for (const [what, spoil, name, status] of cases) {
    test(`${name}: ${what} is ${status === "error" ? "a failure" : "drift, a warning"}`, async () => {
      const host = fakeDebian();
      const recipe = bootstrap(gatherFacts(host));
      await converge(recipe.steps, host, { act: host });
      spoil(host);
      const findings = await examine(host, [recipe], []);
      expect(findings.filter((each) => each.status !== "ok" && each.name === name)).toMatchObject([{ status }]);
      expect(stepsToRun(findings)).toHaveLength(1);
    });
  }
});

test("doctor: a check that does not respond fails alone", async () => {
  const slow = { name: "slow", run: () => new Promise<never>(() => {}) };
  const broken = {
    name: "broken",
    run: () => {
      throw new Error("EIO");
    },
  };
  const again = ["sudo", "edox-ops", "doctor"];
  const fine = { name: "fine", run: () => ({ status: "ok" as const, detail: "" }) };
  const patient = { ...fine, name: "patient", limitMs: 5000, run: () => Bun.sleep(30).then(() => fine.run()) };
  expect(await examine(fakeDebian(), [], [slow, broken, fine, patient], 10)).toEqual([
    { name: "slow", status: "error", detail: "no answer within 0.01 s", hint: again },
    { name: "broken", status: "error", detail: "EIO" },
    { name: "fine", status: "ok", detail: "" },
    { name: "patient", status: "ok", detail: "" },
  ]);
});

describe("doctor: causes precede their consequences", () => {
  const entry = (name: string, status: Finding["status"], follows: string[] = []): Check => ({
    name,
    follows,
    run: () => ({ status, detail: "" }),
  });
  const order = async (...all: Check[]) =>
    (await examine(fakeDebian(), [], all)).map(({ name, follows }) => (follows ? `${name} < ${follows}` : name));

  test("doctor: a failing check is placed below the first failing check that it depends on", async () => {
    expect(
      await order(
        entry("site", "error", ["config", "service"]),
        entry("service", "error", ["config"]),
        entry("other", "ok", ["config"]),
        entry("config", "error", ["package"]),
        entry("package", "ok"),
      ),
    ).toEqual(["other", "config", "site < config", "service < config", "package"]);
  });

  test("doctor: a check whose cause passes, only warns or is absent keeps its place", async () => {
    expect(
      await order(
        entry("site", "error", ["config", "service", "gone"]),
        entry("config", "ok"),
        entry("service", "warning"),
      ),
    ).toEqual(["site", "config", "service"]);
  });

  test("doctor: checks that follow from each other are all reported", async () => {
    expect(await order(entry("a", "error", ["b"]), entry("b", "error", ["a"]), entry("c", "ok"))).toEqual([
      "c",
      "a < b",
      "b < a",
    ]);
  });

  test("doctor: a missing package is the cause of failing resources of the step that needs it", async () => {
    const host = fakeDebian();
    const findings = await examine(host, [bootstrap(gatherFacts(host))], entries);
    const of = (name: string) => findings.find((each) => each.name === name);
    expect(of("package:nginx")?.follows).toBeUndefined();
    expect(of("package:git")?.follows).toBeUndefined();
    for (const name of ["nginx:limits", "nginx:config", "nginx:active"])
      expect(of(name)?.follows).toBe("package:nginx");
  });

  test("doctor: the kept copy of an edited file is no finding of its own", async () => {
    const host = fakeDebian();
    const recipe = bootstrap(gatherFacts(host));
    await converge(recipe.steps, host, { act: host });
    const path = "/etc/nginx/conf.d/edox-ops-limits.conf";
    host.put(path, "# mine\n");
    const found = (await examine(host, [recipe], [])).find(({ name }) => name === "nginx:limits");
    expect(found?.detail).toBe(`${path} differs from what edox-ops writes`);
  });
});

describe("checks of the doctor", () => {
  test("state:permissions: a file that others can read is a warning, one that they can change a failure", async () => {
    const host = fakeDebian();
    host.put("/etc/edox-ops/projects.json", "{}", { mode: 0o640 });
    host.put("/etc/edox-ops/runner.json", "{}", { mode: 0o644 });
    expect(await finding("state:permissions", host)).toMatchObject({ status: "warning" });
    host.put("/etc/edox-ops/runner.json", "{}", { mode: 0o600, uid: 1000 });
    expect(await finding("state:permissions", host)).toMatchObject({ status: "error" });
    host.put("/etc/edox-ops/runner.json", "{}", { mode: 0o664 });
    expect(await finding("state:permissions", host)).toEqual({
      name: "state:permissions",
      status: "error",
      detail: "/etc/edox-ops/runner.json has mode 0664 instead of 0600",
      hint: ["sudo", "chmod", "0600", "/etc/edox-ops/runner.json"],
    });
  });

  test("host:disk and host:inodes: little free space is a warning, too little a failure", async () => {
    for (const [bytesFree, inodesFree, status] of [
      [500 * 2 ** 20, 40_000, "warning"],
      [2 ** 20, 5_000, "error"],
    ] as const) {
      const host = fakeDebian();
      host.space = () => ({ bytesFree, inodes: 1e6, inodesFree });
      expect((await finding("host:disk", host))?.status).toBe(status);
      expect((await finding("host:inodes", host))?.status).toBe(status);
    }
  });

  test("host:clock: a clock before the build date is a failure", async () => {
    const host = fakeDebian();
    host.now = () => 0;
    expect(await finding("host:clock", host)).toMatchObject({
      status: "error",
      hint: ["sudo", "timedatectl", "set-ntp", "true"],
    });
  });

  test("nginx:config: a dangling link makes doctor run nginx -t", async () => {
    const host = fakeDebian();
    await converge(bootstrap(gatherFacts(host)).steps, host, { act: host });
    expect(await finding("nginx:config", host)).toMatchObject({ detail: "nginx accepts it" });
    host.link("/etc/nginx/sites-enabled/dangling", "/none");
    host.taught.unshift((argv) => (argv[0] === "nginx" ? { code: 1, stdout: "", stderr: "no /none" } : undefined));
    expect(await finding("nginx:config", host)).toMatchObject({ status: "error", detail: "no /none" });
  });

  test("nginx:config: nginx -t runs only if no file shows the result, and only as root", async () => {
    for (const [uid, status] of [
      [0, "error"],
      [1000, "unknown"],
    ] as const) {
      const host = fakeDebian({ uid });
      host.put("/etc/nginx/nginx.conf", "http {}");
      host.taught.unshift((argv) =>
        argv[0] === "nginx" ? { code: 1, stdout: "", stderr: "nginx: [emerg] no" } : undefined,
      );
      expect((await finding("nginx:config", host))?.status).toBe(status);
    }
  });
});

describe("doctor: optional resources", () => {
  const file = (name: string): Resource => ({
    name,
    title: `${name} is there`,
    check: (reader) =>
      reader.stat(`/etc/${name}`) ? [] : [{ kind: "command", argv: ["true"], reason: `${name} is missing` }],
  });
  const isInstalled = (reader: HostReader) => reader.stat("/etc/installed") !== null;
  const recipe = (command: string, ...resources: Resource[]): Recipe => ({
    command,
    logPath: "/var/log/edox-ops/test.log",
    requires: [{ name: "needed", title: "it is needed", check: () => ({ reason: "it does not exist" }) }],
    steps: [optionalStep({ id: `${command}.step`, title: command, resources }, isInstalled)],
    done: "done",
    failed: "failed",
  });
  const found = async (recipes: Recipe[], host: FakeHost) =>
    (await examine(host, recipes, [])).map(({ name, status, detail, hint = [] }) =>
      [name, status, detail, ...(hint.length > 0 ? [hint.join(" ")] : [])].join(": "),
    );

  test("doctor: where it is not installed, only its listed checks are reported, as optional", async () => {
    const host = fakeDebian();
    const welcome: Feature = {
      recipes: () => [recipe("welcome", file("one"), file("two"))],
      optional: { isInstalled, listed: { one: "welcome" } },
    };
    const of = async () => {
      const checked = { reader: host, host, trees: () => Promise.reject(), online: false };
      return (await examineFeatures([welcome], checked, [])).findings.map(({ name, detail }) => `${name}: ${detail}`);
    };
    expect(await of()).toEqual(["one: not configured (optional; run edox-ops welcome --yes)"]);
    host.put("/etc/installed", "");
    expect(await of()).toEqual(["one: one is missing", "two: two is missing"]);
  });

  test("doctor: where it is installed, each resource is checked once, and the first command repairs it", async () => {
    const host = fakeDebian();
    host.put("/etc/installed", "");
    host.put("/etc/two", "");
    expect(await found([recipe("welcome", file("one")), recipe("other", file("one"), file("two"))], host)).toEqual([
      "one: error: one is missing: sudo edox-ops welcome --yes",
      "two: ok: two is there",
    ]);
  });

  test("doctor: a step that does not apply to the host passes with its reason", async () => {
    const host = fakeDebian();
    host.put("/etc/installed", "");
    const welcome = recipe("welcome", file("one"));
    const steps = welcome.steps.map((step) => ({ ...step, reasonToSkip: () => "no person logs in here" }));
    expect(await found([{ ...welcome, steps }], host)).toEqual(["one: ok: no person logs in here"]);
  });

  test("doctor --fix: the steps of several features are one run", () => {
    const [one, other, third] = [recipe("one", file("one")), recipe("other", file("two")), recipe("third")];
    const repair = recipeOf(["one.step", "other.step", "runner.install"], [one, other, third]);
    expect(repair?.recipe.steps.map(({ id }) => id)).toEqual(["one.step", "other.step"]);
    expect(repair?.only).toBe("one.step,other.step");
    expect(recipeOf(["runner.install"], [one, other])).toBeNull();
  });
});
