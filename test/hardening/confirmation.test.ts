// A change that is rolled back unless a new login confirms it.

import { describe, expect, test } from "bun:test";
import { confirmWithinOf } from "../../src/cli/host/flags.ts";
import { type Change, Text } from "../../src/engine/change.ts";
import { converge } from "../../src/engine/converge.ts";
import { journalDir, lockDir, lockPath, recoverTimerPath, unconfirmedPath } from "../../src/engine/paths.ts";
import type { Step } from "../../src/engine/step.ts";
import { awaitConfirmation } from "../../src/hardening/confirmation.ts";
import type { Host } from "../../src/host/host.ts";
import { Problem } from "../../src/problem/problem.ts";
import { typed } from "../cli/typed.ts";
import { interrupt } from "../engine/killed-host.ts";
import { fakeDebian } from "../fake-debian.ts";
import type { FakeHost } from "../fake-host.ts";

const program = "/usr/local/bin/edox-ops";
const path = "/etc/ssh/sshd_config";
const withinMs = 600_000;
const change: Change = {
  ...{ kind: "file", path, before: Text.of("old"), after: Text.of("new"), mode: 0o644, uid: 0, gid: 0 },
};
const login = (host: FakeHost, session: number): void =>
  host.put("/proc/self/cgroup", `0::/user.slice/user-1000.slice/session-${session}.scope\n`);

function hostToChange(): FakeHost {
  const host = fakeDebian();
  host.put(program, "", { mode: 0o755 });
  host.put(path, "old");
  host.dir("/run/systemd/system");
  host.dir(lockDir, { mode: 0o700 });
  login(host, 1);
  return host;
}

/** Applies the change on a host where this happens at each poll, and returns the result and the reports of the wait. */
async function guarded(host: FakeHost, meanwhile: () => unknown, stop = (): Problem | null => null) {
  const act: Host = {
    ...host,
    async sleep(ms) {
      await meanwhile();
      await host.sleep(ms);
    },
  };
  const missing = [[change]];
  const step: Step = {
    ...{ id: "ssh.harden", title: "", armed: { withinMs: 60_000 } },
    resources: [{ name: "a", title: "", check: () => missing.pop() ?? [] }],
    verify: (each, run) => awaitConfirmation(each, withinMs, run),
  };
  const waits: string[] = [];
  const watch = {
    waiting: ({ title }: { title: string }, { reason }: { reason: string }) => void waits.push(`${title}: ${reason}`),
  };
  const { release } = host.lock(lockPath) as { release(): void };
  const [result] = await converge([step], act, { act, program, stop, watch });
  release();
  return { result, waits };
}

/**
 * Types a command line beside the run that waits. Returns its result, and a promise that is resolved when it has
 * confirmed the change, or ended.
 */
function beside(host: FakeHost, line: string) {
  const process: Host = {
    ...host,
    async sleep(ms) {
      await Bun.sleep(1);
      await host.sleep(ms);
    },
  };
  const ended = typed(line, process);
  let hasEnded = false;
  void ended.then(() => {
    hasEnded = true;
  });
  const confirmed = async (): Promise<void> => {
    while (!hasEnded && host.stat(`${lockDir}/confirmed`) === null) await Bun.sleep(1);
  };
  return { ended, confirmed: confirmed() };
}

const left = (host: FakeHost): string[] => [
  ...(host.list(journalDir) ?? []),
  ...(host.list(lockDir) ?? []),
  ...(host.list("/run/systemd/system") ?? []),
];

/** A host whose run was killed while it waited for a confirmation. */
async function killed(): Promise<FakeHost> {
  const host = hostToChange();
  await interrupt(host, "ssh.harden", [change]);
  host.put(unconfirmedPath, JSON.stringify({ untilMs: host.now() + withinMs, session: "session-1" }), { mode: 0o600 });
  return host;
}

describe("confirmation: a run that waits", () => {
  test("host confirm: keeps the change, from a new login", async () => {
    const host = hostToChange();
    let confirming: ReturnType<typeof beside> | undefined;
    const { result, waits } = await guarded(host, () => {
      if (confirming !== undefined) return undefined;
      login(host, 2);
      expect(host.text(recoverTimerPath)).toContain("OnActiveSec=630s");
      confirming = beside(host, "host confirm");
      return confirming.confirmed;
    });
    expect(result).toMatchObject({ outcome: "changed" });
    expect(waits).toEqual(["a new login confirms the change: run sudo edox-ops host confirm there"]);
    expect(await confirming?.ended).toMatchObject({ exit: 0, err: "", out: "The change is kept.\n" });
    expect([host.text(path), left(host)]).toEqual(["new", []]);
  });

  test("confirmation: without one the change is rolled back at the deadline", async () => {
    const host = hostToChange();
    const start = host.now();
    const { result } = await guarded(host, () => {});
    expect(result?.problem).toMatchObject({
      code: "not-confirmed",
      message: "no new login confirmed the change within 10 min; the previous files were restored",
    });
    expect(host.now() - start).toBeWithin(withinMs, withinMs + 2000);
    expect([host.text(path), left(host)]).toEqual(["old", []]);
  });

  test("confirmation: a signal rolls the change back at once", async () => {
    const host = hostToChange();
    const hangup = new Problem("interrupted", "interrupted by SIGHUP", { returncode: 129 });
    let polls = 0;
    const { result } = await guarded(
      host,
      () => void polls++,
      () => (polls > 2 ? hangup : null),
    );
    expect([result?.problem?.code, polls, host.text(path), left(host)]).toEqual(["interrupted", 3, "old", []]);
  });

  test("host confirm: the login of the run is refused, also over sudo, unless it is accepted", async () => {
    for (const [line, exit, content] of [
      ["host confirm", 1, "old"],
      ["host confirm --any-login", 0, "new"],
    ] as const) {
      const host = hostToChange();
      let confirming: ReturnType<typeof beside> | undefined;
      await guarded(host, () => {
        if (confirming !== undefined) return undefined;
        confirming = beside(host, line);
        return confirming.confirmed;
      });
      const confirmed = await confirming?.ended;
      expect(confirmed).toMatchObject({ exit });
      if (exit === 1) expect(confirmed?.err).toContain("this login made the change: confirm it in a new one");
      expect(host.text(path)).toBe(content);
    }
  });

  test("host confirm: without logind, the login is the connection of sshd", async () => {
    const process = (host: FakeHost, pid: number | "self", name: string, parent: number): void =>
      host.put(`/proc/${pid}/status`, `Name:\t${name}\nPid:\t${pid === "self" ? 50 : pid}\nPPid:\t${parent}\n`);
    const logIn = (host: FakeHost, connection: number): void => {
      host.put("/proc/self/cgroup", "0::/system.slice/ssh.service\n");
      process(host, "self", "edox-ops", connection + 1);
      process(host, connection + 1, "bash", connection);
      process(host, connection, "sshd-session", 20);
      process(host, 20, "sshd", 1);
    };
    for (const [connection, exit] of [
      [30, 1],
      [40, 0],
    ] as const) {
      const host = hostToChange();
      logIn(host, 30);
      let confirming: ReturnType<typeof beside> | undefined;
      await guarded(host, () => {
        if (confirming !== undefined) return undefined;
        logIn(host, connection);
        confirming = beside(host, "host confirm");
        return confirming.confirmed;
      });
      expect((await confirming?.ended)?.exit).toBe(exit);
    }
  });

  test("host confirm: one that the run does not notice is withdrawn, and the change is not kept", async () => {
    const host = await killed();
    login(host, 2);
    host.locks.set(lockPath, { pid: 7, command: "edox-ops host ssh-harden", sinceMs: 0 });
    expect(await typed("host confirm", host)).toMatchObject({
      exit: 1,
      err: "error: the run that waits for the confirmation did not keep the change\n",
    });
    expect(host.list(lockDir)).toEqual(["unconfirmed.json"]);
  });

  test("another command exits with 75, and names the confirmation", async () => {
    const host = await killed();
    host.locks.set(lockPath, { pid: 7, command: "edox-ops host ssh-harden", sinceMs: 0 });
    const { exit, err } = await typed("bootstrap --yes", host);
    expect(exit).toBe(75);
    expect(err).toMatch(/it waits for a confirmation until 2027-\S+ \S+ UTC\nhint: edox-ops host confirm\n$/);
  });
});

describe("confirmation: a run that was killed while it waited", () => {
  test("host confirm: keeps its change and disarms", async () => {
    const host = await killed();
    login(host, 2);
    expect(await typed("host confirm --dry-run", host)).toMatchObject({ exit: 0 });
    expect(host.text(unconfirmedPath)).not.toBe(null);
    expect(await typed("host confirm", host)).toMatchObject({ exit: 0, err: "", out: "The change is kept.\n" });
    expect([host.text(path), left(host), host.locks.size]).toEqual(["new", [], 0]);
    expect(host.text("/var/log/edox-ops/host.log")).toContain("STEP host.confirm SUCCESS");
  });

  test("host confirm: what the step added for its own duration is removed", async () => {
    const host = await killed();
    const missing = [[change]];
    host.remove(`${journalDir}/ssh.harden`);
    void converge(
      [
        {
          ...{ id: "ssh.harden", title: "", journal: true },
          resources: [{ name: "a", title: "", check: () => missing.pop() ?? [] }],
          async before(_, run) {
            run.record({ kind: "line", path: "/root/keys", line: "probe" });
            host.put("/root/keys", "own\nprobe\n");
          },
          verify: () => new Promise(() => {}),
        } satisfies Step,
      ],
      host,
      { act: host },
    );
    while (host.text("/root/keys") === null || missing.length > 0) await Promise.resolve();
    login(host, 2);
    expect(await typed("host confirm", host)).toMatchObject({ exit: 0 });
    expect(host.text("/root/keys")).toBe("own\n");
  });

  test("another command exits with 75 and changes nothing, until the deadline has passed", async () => {
    const host = await killed();
    const before = host.listing("/etc");
    const { exit, err } = await typed("bootstrap --yes", host);
    expect([exit, host.listing("/etc")]).toEqual([75, before]);
    expect(err).toMatch(/^error: a change waits for a confirmation until \S+ \S+ UTC, and is then rolled back\nhint: /);
    await host.sleep(withinMs);
    expect(await typed("host confirm", host)).toMatchObject({
      exit: 1,
      err: "error: no change waits for a confirmation\n",
    });
    expect(await typed("bootstrap --yes", host)).toMatchObject({ exit: 0 });
    expect([host.text(path), host.stat(unconfirmedPath)]).toEqual(["old", null]);
  });

  test("recover: rolls it back at once", async () => {
    const host = await killed();
    expect(await typed("recover", host)).toMatchObject({ exit: 0, err: "" });
    expect([host.text(path), left(host)]).toEqual(["old", []]);
  });

  test("doctor: names the deadline and the command", async () => {
    const host = await killed();
    const found = async () => {
      const { findings } = JSON.parse((await typed("doctor --json", host)).out);
      return findings.find(({ name }: { name: string }) => name === "host:journal");
    };
    expect(await found()).toMatchObject({
      status: "warning",
      detail: expect.stringMatching(/^ssh.harden is rolled back unless it is confirmed until \S+ \S+ UTC$/),
      hint: ["edox-ops", "host", "confirm"],
    });
    host.remove(unconfirmedPath);
    host.put(recoverTimerPath, "[Timer]\nOnActiveSec=600s\n");
    expect((await found()).detail).toMatch(/ by the next run, or by systemd at \S+ \S+ UTC$/);
  });
});

test("host confirm: without a change that waits it fails", async () => {
  const host = hostToChange();
  expect(await typed("host confirm", host)).toMatchObject({
    exit: 1,
    err: "error: no change waits for a confirmation\n",
  });
});

test("--confirm-within: takes one minute to 24 hours", () => {
  const within = (typed?: string) => confirmWithinOf({ "confirm-within": typed });
  expect(["1m", "60s", "10m", "24h"].map(within)).toEqual([60_000, 60_000, 600_000, 86_400_000]);
  expect(within()).toBe(undefined);
  for (const wrong of ["59s", "25h", "0m", "soon", "10"]) expect(() => within(wrong)).toThrow("--confirm-within");
});
