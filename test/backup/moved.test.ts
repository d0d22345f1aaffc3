// What restore-host requires, and what it reports about the old host.

import { describe, expect, test } from "bun:test";
import { demandBare, differences } from "../../src/backup/moved.ts";
import { doctorFailures } from "../../src/backup/own-program.ts";
import { fakeDebian } from "../fake-debian.ts";
import { ok } from "../fake-host.ts";
import { project } from "../sites/tree.ts";

const restored = {
  projects: ["demo", "gone"],
  deployed: [],
  certificates: [],
  runners: false,
  failed: [],
  warnings: [],
};

function withSite() {
  const host = fakeDebian();
  host.put(
    "/etc/edox-ops/projects.json",
    JSON.stringify({ demo: { ...project, enabled: true, aliases: ["old.test"] } }),
  );
  host.put("/proc/net/fib_trie", "Main:\n     |-- 203.0.113.7\n        /32 host LOCAL\n");
  return host;
}

describe("restore-host", () => {
  test("restore-host: a host with sites is refused, also with an invalid record", async () => {
    await demandBare(fakeDebian());
    expect(await demandBare(withSite()).catch((error) => error)).toMatchObject({
      code: "conflict",
      message: "this host has sites already: demo",
    });
    const host = fakeDebian();
    host.put("/etc/edox-ops/projects.json", '{"broken":{}}');
    expect(await demandBare(host).catch((error) => error)).toMatchObject({
      message: "this host has sites already: broken",
    });
  });

  test("restore-host: names that lead elsewhere in the DNS, and tokens of runners, are reported", async () => {
    const host = withSite();
    host.records.set("demo.test", ["203.0.113.7"]);
    expect(await differences(host, restored)).toEqual([
      "old.test has no address in the DNS: change it to an address of this host",
    ]);
    host.records.set("old.test", ["198.51.100.1"]);
    expect(await differences(host, { ...restored, runners: true })).toEqual([
      "old.test leads to 198.51.100.1 in the DNS: change it to an address of this host",
      "the runners have the tokens of the old host: stop gitlab-runner there, or both hosts run the same jobs",
    ]);
  });

  test("restore-host: the failing checks of doctor are reported, and an answer that is no JSON has none", async () => {
    const host = withSite();
    const findings = [
      { name: "nginx:config", status: "error", detail: "it is wrong" },
      { name: "host:reboot", status: "warning", detail: "soon" },
    ];
    host.taught.unshift((argv) =>
      argv[0] === "/usr/local/bin/edox-ops" ? ok(JSON.stringify({ findings })) : undefined,
    );
    expect(await doctorFailures(host, "/usr/local/bin/edox-ops")).toEqual(["nginx:config: it is wrong"]);
    host.taught.unshift(() => ok("killed"));
    expect(await doctorFailures(host, "/usr/local/bin/edox-ops")).toEqual([]);
  });
});
