// Checks that doctor says truly what a failure affects.

import { expect, test } from "bun:test";
import { features } from "../../src/cli/features.ts";
import { examineFeatures } from "../../src/doctor/collect.ts";
import { examine } from "../../src/doctor/doctor.ts";
import type { Check, CheckResult } from "../../src/engine/finding.ts";
import { affectedByService, affectedSites } from "../../src/nginx/affected-sites.ts";
import { bootstrap } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";
import type { FakeHost } from "../fake-host.ts";

const invocation = "/run/systemd/units/invocation:nginx.service";
const enabled = "/etc/systemd/system/multi-user.target.wants/nginx.service";

async function serving(...slugs: string[]): Promise<FakeHost> {
  const host = await bootstrap(fakeDebian());
  for (const slug of slugs) host.link(`/etc/nginx/sites-enabled/edox-ops-${slug}`, "/none");
  host.link("/etc/nginx/sites-enabled/foreign", "/none");
  return host;
}

async function affectsOf(name: string, host: FakeHost): Promise<string | undefined> {
  const checked = { reader: host, host, trees: () => Promise.reject(), online: false };
  const { findings } = await examineFeatures(Object.values(features), checked);
  return findings.find((each) => each.name === name)?.affects;
}

test("affects: a fault of nginx counts the sites of edox-ops, which are offline only if nginx does not run", async () => {
  expect(await affectedSites(await serving(), "online")).toBeUndefined();
  const host = await serving("docs", "handbook");
  expect(await affectedSites(host, "online")).toBe("all 2 sites: docs, handbook (online)");
  expect(await affectedSites(host)).toBeUndefined();
  host.remove(invocation);
  expect(await affectedSites(host, "online")).toBe("all 2 sites: docs, handbook (offline)");
  expect(await affectedSites(host)).toBe("all 2 sites: docs, handbook (offline)");
});

test("affects: an nginx that runs and does not start at boot serves its sites until it stops", async () => {
  const host = await serving("docs");
  expect(await affectedByService(host)).toBe("the site docs (online, with the previous configuration)");
  host.remove(enabled);
  expect(await affectedByService(host)).toBe("the site docs (online until nginx stops)");
  expect(await affectsOf("nginx:active", host)).toBe("the site docs (online until nginx stops)");
});

test("affects: a full disk affects CI jobs only on a host with a runner", async () => {
  const host = await serving("docs");
  host.space = () => ({ bytesFree: 2 ** 20, inodes: 1e6, inodesFree: 1 });
  const writers = "deploys, logs, updates of packages, changes of the configuration";
  expect([await affectsOf("host:disk", host), await affectsOf("host:inodes", host)]).toEqual([writers, writers]);
  host.put("/usr/bin/gitlab-runner", "");
  expect(await affectsOf("host:disk", host)).toBe(`CI jobs, ${writers}`);
});

test("affects: a full file system of the sites affects deploys alone", async () => {
  const host = await serving("docs");
  host.put("/proc/self/mounts", "/dev/a / ext4 rw 0 0\n/dev/b /var/www/docs ext4 rw 0 0\n");
  host.space = (path) => ({ bytesFree: path === "/var/www/docs" ? 1 : 5e10, inodes: 1e6, inodesFree: 9e5 });
  expect(await affectsOf("host:disk", host)).toBe("deploys");
});

test("affects: it is asked only after a failure or a warning, and an answer that fails is left out", async () => {
  const asked: string[] = [];
  const check = (name: string, result: Omit<CheckResult, "detail">, fails = false): Check => ({
    name,
    affects() {
      asked.push(name);
      if (fails) throw new Error("EIO");
      return `what ${name} affects`;
    },
    run: () => ({ detail: "", ...result }),
  });
  const findings = await examine(
    fakeDebian(),
    [],
    [
      check("ok", { status: "ok" }),
      check("absent", { status: "not-set-up" }),
      check("unknown", { status: "unknown" }),
      check("own", { status: "error", affects: "its own" }),
      check("warning", { status: "warning" }),
      check("error", { status: "error" }),
      check("broken", { status: "error" }, true),
    ],
  );
  expect(findings.flatMap(({ affects }) => affects ?? [])).toEqual([
    "its own",
    "what warning affects",
    "what error affects",
  ]);
  expect(asked).toEqual(["warning", "error", "broken"]);
});
