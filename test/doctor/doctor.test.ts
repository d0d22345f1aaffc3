import { describe, expect, test } from "bun:test";
import { examine } from "../../src/doctor/doctor.ts";
import { entries } from "../../src/doctor/entries.ts";
import { converge } from "../../src/engine/converge.ts";
import { gatherFacts } from "../../src/engine/facts.ts";
import { bootstrap } from "../../src/recipes/bootstrap.ts";
import { fakeDebian } from "../fake-debian.ts";
import type { FakeHost } from "../fake-host.ts";

async function finding(name: string, host: FakeHost) {
  return (await examine([], entries, host)).find((each) => each.name === name);
}

test("a check that does not answer fails alone", async () => {
  const slow = { name: "slow", look: () => new Promise<never>(() => {}) };
  const broken = {
    name: "broken",
    look: () => {
      throw new Error("EIO");
    },
  };
  const again = ["sudo", "edox-ops", "doctor"];
  const fine = { name: "fine", look: () => ({ status: "ok" as const, detail: "" }) };
  expect(await examine([], [slow, broken, fine], fakeDebian(), 10)).toEqual([
    { name: "slow", status: "error", detail: "no answer within 0.01 s", hint: again },
    { name: "broken", status: "error", detail: "EIO", hint: again },
    { name: "fine", status: "ok", detail: "" },
  ]);
});

describe("entries", () => {
  test("a state file that others may read is told, with what to type", async () => {
    const host = fakeDebian();
    host.put("/etc/edox-ops/runner.json", "{}", { mode: 0o644 });
    expect(await finding("state:permissions", host)).toEqual({
      name: "state:permissions",
      status: "error",
      detail: "/etc/edox-ops/runner.json is 0644, not 0600 and root's",
      hint: ["sudo", "chmod", "0600", "/etc/edox-ops/runner.json"],
    });
  });

  test("room and inodes: little is a warning, too little an error", async () => {
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

  test("a clock before the build's date is an error", async () => {
    const host = fakeDebian();
    host.now = () => 0;
    expect(await finding("host:clock", host)).toMatchObject({
      status: "error",
      hint: ["sudo", "timedatectl", "set-ntp", "true"],
    });
  });

  test("a link to nowhere is not passed over: nginx is asked", async () => {
    const host = fakeDebian();
    await converge(bootstrap(gatherFacts(host)).steps, host, { act: host });
    expect(await finding("nginx:config", host)).toMatchObject({ detail: "running as it is on disk" });
    host.link("/etc/nginx/sites-enabled/dangling", "/none");
    host.taught.unshift((argv) => (argv[0] === "nginx" ? { code: 1, stdout: "", stderr: "no /none" } : undefined));
    expect(await finding("nginx:config", host)).toMatchObject({ status: "error", detail: "no /none" });
  });

  test("nginx is only asked where nothing else can tell, and only as root", async () => {
    for (const [uid, status] of [
      [0, "error"],
      [1000, "warning"],
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
