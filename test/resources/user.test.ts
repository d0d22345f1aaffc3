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
  // No directory service: what the files do not have is not there.
  host.taught.push(([program]) => (program === "getent" ? { code: 2, stdout: "", stderr: "" } : undefined));
  spoil(host);
  const [change] = (await systemUser(account, "user").check(host, [], () => {})) as Change[];
  return change?.kind === "command" ? change.argv.join(" ") : undefined;
}

test("system user: without a group of the name useradd makes both", async () => {
  expect(await commandOn(() => {})).toBe(`useradd --system ${skeleton}`);
});

test("system user: a group that outlived the user, because it has another member, is used", async () => {
  const command = await commandOn((host) => host.put("/etc/group", "root:x:0:\ngitlab-runner:x:990:alice\n"));
  expect(command).toBe(`useradd --system --gid gitlab-runner ${skeleton}`);
});

test("system user: a lost line of passwd comes back with the number that owns the home", async () => {
  const lost = (host: FakeHost, uid: number, gid = 990): void => {
    host.put("/etc/group", "root:x:0:\ngitlab-runner:x:990:\n");
    host.dir(home, { uid, gid });
  };
  expect(await commandOn((host) => lost(host, 995))).toBe(`useradd --system --gid gitlab-runner --uid 995 ${skeleton}`);
  const without = `useradd --system --gid gitlab-runner ${skeleton}`;
  // Root's, another user's, or of another group: whose it was is unclear.
  expect(await commandOn((host) => lost(host, 0))).toBe(without);
  expect(await commandOn((host) => lost(host, 1000))).toBe(without);
  expect(await commandOn((host) => lost(host, 995, 100))).toBe(without);
});

test("system user: one that is there is left as it is", async () => {
  expect(await commandOn((host) => host.put("/etc/passwd", "gitlab-runner:x:995:990::/srv:/bin/sh\n"))).toBeUndefined();
});
