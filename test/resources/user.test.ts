// The account of gitlab-runner on a host that had one before.

import { expect, test } from "bun:test";
import type { Change } from "../../src/engine/change.ts";
import { systemUser } from "../../src/resources/user.ts";
import { type FakeHost, fakeHost } from "../fake-host.ts";

const home = "/home/gitlab-runner";
const account = { name: "gitlab-runner", home, shell: "/bin/bash" };
const skeleton = `--create-home --skel /nonexistent --home-dir ${home} --shell /bin/bash gitlab-runner`;

async function commandOn(spoil: (host: FakeHost) => void): Promise<string | undefined> {
  const host = fakeHost();
  host.put("/etc/passwd", "root:x:0:0::/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/bash\n");
  host.put("/etc/group", "root:x:0:\n");
  // There is no directory service: accounts that are not in the files do not exist.
  host.taught.push(([program]) => (program === "getent" ? { code: 2, stdout: "", stderr: "" } : undefined));
  spoil(host);
  const [change] = (await systemUser(account, "user").check(host, [], () => {})) as Change[];
  return change?.kind === "command" ? change.argv.join(" ") : undefined;
}

test("system user: useradd creates user and group if neither exists", async () => {
  expect(await commandOn(() => {})).toBe(`useradd --system ${skeleton}`);
});

test("system user: an existing group of that name is used, even with another member", async () => {
  const command = await commandOn((host) => host.put("/etc/group", "root:x:0:\ngitlab-runner:x:990:alice\n"));
  expect(command).toBe(`useradd --system --gid gitlab-runner ${skeleton}`);
});

test("system user: a lost line of passwd is recreated with the number that owns the home", async () => {
  const lost = (host: FakeHost, uid: number, gid = 990): void => {
    host.put("/etc/group", "root:x:0:\ngitlab-runner:x:990:\n");
    host.dir(home, { uid, gid });
  };
  expect(await commandOn((host) => lost(host, 995))).toBe(`useradd --system --gid gitlab-runner --uid 995 ${skeleton}`);
  const without = `useradd --system --gid gitlab-runner ${skeleton}`;
  // The home belongs to root, to another user or to another group, so its former owner is unclear.
  expect(await commandOn((host) => lost(host, 0))).toBe(without);
  expect(await commandOn((host) => lost(host, 1000))).toBe(without);
  expect(await commandOn((host) => lost(host, 995, 100))).toBe(without);
});

test("system user: an existing account stays unchanged", async () => {
  expect(await commandOn((host) => host.put("/etc/passwd", "gitlab-runner:x:995:990::/srv:/bin/sh\n"))).toBeUndefined();
});
