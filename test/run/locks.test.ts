import { expect, test } from "bun:test";
import { Problem } from "../../src/problem/problem.ts";
import { type LockName, Locks, lockOrder } from "../../src/run/locks.ts";
import { fakeHost } from "../fake-host.ts";

const again = ["edox-ops", "bootstrap"];

function onHost() {
  const host = fakeHost();
  const locks = new Locks(host);
  const take = (name: LockName, path = `/run/edox-ops/${name}.lock`) => locks.take({ name, path, again });
  return { host, locks, take };
}

test("locks: a backup's lock comes first, then a project's and the runner's, and the host's is the last", () => {
  const places = (["backup", "project", "runner"] as const).map((name) => lockOrder.indexOf(name));
  expect(places).toEqual([0, 1, 2]);
  expect(lockOrder.indexOf("host")).toBe(lockOrder.length - 1);
});

test("locks: the declared order is accepted, and every other order is an internal error", async () => {
  for (const [i, first] of lockOrder.entries()) {
    for (const [j, second] of lockOrder.entries()) {
      const { host, locks, take } = onHost();
      await take(first);
      const taken = await take(second, "/run/edox-ops/second.lock").catch((error: unknown) => error);
      if (i < j) expect(taken).toBeFunction();
      else {
        expect(taken).toBeInstanceOf(Problem);
        expect(taken).toMatchObject({ code: "internal", message: expect.stringContaining(`the ${second} lock`) });
      }
      locks.releaseAll();
      expect([...host.locks.keys()]).toEqual([]);
    }
  }
});

test("locks: a lock that was released can be taken again, and an earlier one as well", async () => {
  const { host, locks, take } = onHost();
  const release = await take("host");
  release();
  await take("project");
  await take("host");
  expect(host.locks.size).toBe(2);
  // A second call releases no lock of another run.
  release();
  expect(host.locks.size).toBe(2);
  locks.releaseAll();
  expect(host.locks.size).toBe(0);
});

test("locks: a held lock is waited for, and its holder is named without a token after the limit", async () => {
  const { host, locks } = onHost();
  const path = "/run/edox-ops/host.lock";
  const command = "edox-ops gitlab-runner register --token glrt-0123456789";
  host.locks.set(path, { pid: 7, command, sinceMs: 0 });
  const start = host.now();
  const problem = await locks.take({ name: "host", path, waitMs: 500, again }).catch((error: unknown) => error);
  expect(host.now() - start).toBeGreaterThanOrEqual(500);
  expect(problem).toMatchObject({
    code: "locked",
    message:
      "another run holds the lock: edox-ops gitlab-runner register --token - (pid 7, since 1970-01-01T00:00:00Z)",
    hint: again,
  });
});
