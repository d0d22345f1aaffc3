// A step whose rollback systemd performs if its run is killed.

import { describe, expect, test } from "bun:test";
import { type Change, Text } from "../../src/engine/change.ts";
import { converge } from "../../src/engine/converge.ts";
import { journalDir, recoverServicePath, recoverTimerPath } from "../../src/engine/paths.ts";
import { recover } from "../../src/engine/recover.ts";
import type { Step, StepResult } from "../../src/engine/step.ts";
import type { Host } from "../../src/host/host.ts";
import { Problem } from "../../src/problem/problem.ts";
import { demandPermanent } from "../../src/problem/roots-alone.ts";
import { type FakeHost, fakeHost, ok } from "../fake-host.ts";
import { killedAt, moments } from "./killed-host.ts";

const program = "/usr/local/bin/edox-ops";
const linkPath = "/etc/systemd/system/multi-user.target.wants/edox-ops-recover.service";
const attributes = { mode: 0o644, uid: 0, gid: 0 };
const failed = { code: 1, stdout: "", stderr: "no\n" };

/** A host with systemd, which knows the units that it has loaded, and whether the timer runs. */
function hostWithSystemd() {
  const host = fakeHost();
  const systemd = { timer: null as string | null, loaded: null as string | null };
  for (const dir of ["/etc/systemd/system", "/run/systemd/system", "/var/lib"]) host.dir(dir);
  host.put(program, "");
  host.put("/a", "old", { mode: 0o600, uid: 7, gid: 8 });
  host.put("/rules", "old rules");
  host.taught.push(([name, verb, unit]) => {
    if (name !== "systemctl") return undefined;
    if (verb === "daemon-reload") systemd.loaded = host.text(recoverTimerPath);
    else if (verb === "restart" && systemd.loaded === null) return failed;
    else systemd.timer = verb === "restart" ? systemd.loaded : null;
    expect(unit ?? "edox-ops-recover.timer").toBe("edox-ops-recover.timer");
    return ok();
  });
  // A tool with rules of its own, which writes them anew in its own format.
  host.taught.push(([name, value]) => {
    if (name !== "rule") return undefined;
    host.put("/rules", `${host.text("/rules")} # ${value}`);
    return ok();
  });
  return { host, systemd };
}

const isArmed = ({ host, systemd }: ReturnType<typeof hostWithSystemd>): boolean =>
  host.readLink(linkPath) === recoverServicePath &&
  host.text(recoverServicePath)?.includes(`\nExecStart=${program} recover\n`) === true &&
  systemd.timer?.includes("\nOnActiveSec=600s\n") === true;

/** Returns everything but the empty directories of the journal and of enabled units. */
const state = (host: FakeHost) =>
  Object.fromEntries(
    Object.entries(host.listing()).filter(([path]) => !/^\/var\/lib\/edox-ops|target\.wants$/.test(path)),
  );

const changes: Change[] = [
  { kind: "file", path: "/a", before: Text.of("old"), after: Text.of("new"), ...attributes },
  { kind: "command", argv: ["rule", "on"], undo: ["rule", "off"], touches: ["/rules", "/rules6"], reason: "" },
];

function stepOf(more: Partial<Step> = {}): Step {
  const missing = [changes];
  const resource = { name: "a", title: "", check: () => missing.pop() ?? [] };
  return { id: "ssh.harden", title: "", resources: [resource], armed: { withinMs: 600_000 }, ...more };
}

async function applied(host: Host, more: Partial<Step> = {}): Promise<StepResult> {
  const [result] = await converge([stepOf(more)], host, { act: host, program });
  return result as StepResult;
}

describe("armed: steps that are kept together", () => {
  const steps = (first: Partial<Step>, last: Partial<Step>): Step[] => {
    const file: Change = { kind: "file", path: "/b", before: null, after: Text.of("b"), ...attributes };
    const missing = [[file]];
    const resources = [{ name: "b", title: "", check: () => missing.pop() ?? [] }];
    return [stepOf({ ...first, part: "a" }), stepOf({ ...last, id: "ssh.last", resources, part: "b" })];
  };
  const ran = async (host: Host, all: Step[], stop = (): Problem | null => null) =>
    (await converge(all, host, { act: host, program, stop })).map(({ outcome, problem }) =>
      problem === undefined ? outcome : `${outcome}: ${problem.message}`,
    );

  test("kept: only the last one is asked, while all are armed, and nothing is left then", async () => {
    const found = hostWithSystemd();
    const seen: unknown[] = [];
    const keep = async () => void seen.push(isArmed(found), found.host.list(journalDir)?.sort());
    expect(await ran(found.host, steps({ keep: () => Promise.reject() }, { keep }))).toEqual(["changed", "changed"]);
    expect(seen).toEqual([true, ["ssh.harden", "ssh.last"]]);
    expect([found.host.stat(recoverServicePath), found.host.list(journalDir), found.host.text("/b")]).toEqual([
      null,
      [],
      "b",
    ]);
  });

  test("kept: all are rolled back if the last one throws, or an interruption comes before it", async () => {
    const refuses = async () => {
      throw new Problem("not-confirmed", "nobody confirmed");
    };
    const interruption = new Problem("interrupted", "interrupted by SIGHUP");
    let hasEnded = false;
    const ends = async () => {
      hasEnded = true;
    };
    for (const [last, why] of [
      [{ keep: refuses }, "nobody confirmed"],
      [{ keep: ends, verify: ends }, "interrupted by SIGHUP"],
    ] as const) {
      const { host } = hostWithSystemd();
      const before = state(host);
      const failure = `failed: ${why}; the changes were rolled back`;
      const stop = () => (hasEnded ? interruption : null);
      expect(await ran(host, steps({ keep: refuses }, last), stop)).toEqual([failure, failure]);
      expect({ ...state(host), "/rules": "" }).toEqual({ ...before, "/rules": "" });
    }
  });

  test("kept: a step that fails leaves the held one armed, and a recovery rolls back all that were held", async () => {
    const found = hostWithSystemd();
    const seen: boolean[] = [];
    const keep = async () => void seen.push(isArmed(found));
    const verify = () => Promise.reject(new Problem("verify-failed", "nobody gets in"));
    expect(await ran(found.host, steps({ keep }, { keep, verify }))).toEqual([
      "changed",
      expect.stringContaining("failed: nobody gets in"),
    ]);
    expect([seen, found.host.text("/b"), found.host.stat(recoverServicePath)]).toEqual([[true], null, null]);

    const killed = hostWithSystemd();
    const before = state(killed.host);
    const waiting = Promise.withResolvers<void>();
    const waits = (): Promise<void> => {
      waiting.resolve();
      return new Promise<void>(() => {});
    };
    void ran(killed.host, steps({ keep: waits }, { keep: waits }));
    await waiting.promise;
    expect(killed.host.list(journalDir)?.sort()).toEqual(["ssh.harden", "ssh.last"]);
    expect((await recover(killed.host)).map(({ outcome }) => outcome)).toEqual(["changed", "changed"]);
    expect({ ...state(killed.host), "/rules": "" }).toEqual({ ...before, "/rules": "" });
  });
});

describe("armed: a step", () => {
  test("armed: systemd is to roll it back from before its first function until its end", async () => {
    const found = hostWithSystemd();
    const seen: boolean[] = [];
    const look = async () => void seen.push(isArmed(found));
    expect(await applied(found.host, { before: look, verify: look })).toMatchObject({
      outcome: "changed",
      warnings: [],
    });
    expect(seen).toEqual([true, true]);
    expect([found.host.stat(recoverServicePath), found.host.stat(recoverTimerPath), found.systemd]).toEqual([
      null,
      null,
      { timer: null, loaded: null },
    ]);
    expect([found.host.text("/a"), found.host.readLink(linkPath)]).toEqual(["new", null]);
  });

  test("armed: two steps of one run are armed one after the other", async () => {
    const found = hostWithSystemd();
    const seen: string[] = [];
    const look = async () => void seen.push(found.systemd.timer?.match(/OnActiveSec=(.*)/)?.[1] ?? "");
    const steps = [stepOf({ verify: look }), stepOf({ id: "b", verify: look, armed: { withinMs: 1500 } })];
    const results = await converge(steps, found.host, { act: found.host, program });
    expect([results.map(({ outcome }) => outcome), seen]).toEqual([
      ["changed", "changed"],
      ["600s", "2s"],
    ]);
    expect(found.systemd.timer).toBe(null);
  });

  test("armed: a failed step is rolled back and disarmed", async () => {
    const found = hostWithSystemd();
    const before = state(found.host);
    const verify = () => Promise.reject(new Error("nobody gets in"));
    expect(await applied(found.host, { verify })).toMatchObject({
      outcome: "failed",
      problem: { message: "nobody gets in; the changes were rolled back" },
    });
    expect([state(found.host), found.systemd.timer]).toEqual([before, null]);
  });

  test("armed: one whose rollback is incomplete stays armed", async () => {
    const found = hostWithSystemd();
    const verify = async () => {
      found.host.broken.add("/a");
      throw new Error("nobody gets in");
    };
    expect((await applied(found.host, { verify })).problem?.message).toMatch(/nobody gets in; not rolled back: \/a: /);
    expect(isArmed(found)).toBe(true);
    found.host.broken.clear();
    expect(await recover(found.host)).toMatchObject([{ outcome: "changed" }]);
    expect([found.host.text("/a"), found.systemd.timer, found.host.stat(recoverServicePath)]).toEqual([
      "old",
      null,
      null,
    ]);
  });

  test("armed: one whose timer cannot be removed is done, with a warning", async () => {
    const { host } = hostWithSystemd();
    const verify = async () => void host.taught.unshift(([name]) => (name === "systemctl" ? failed : undefined));
    expect(await applied(host, { verify })).toMatchObject({
      outcome: "changed",
      warnings: ["the rollback stays armed: systemctl daemon-reload failed"],
    });
  });
});

describe("armed: a step that cannot be armed changes nothing", () => {
  const rows: [string, (host: FakeHost) => void, string | RegExp][] = [
    ["without systemd", (host) => host.nodes.delete("/run/systemd/system"), /^systemd does not run here: /],
    [
      "with a program of another user",
      (host) => host.put(program, "", { uid: 7 }),
      /can be changed by others than root/,
    ],
    ["without the program", (host) => host.nodes.delete(program), /^systemd cannot run \S+ after a boot: /],
    ["with a full disk", (host) => host.broken.add(recoverServicePath), /no space left on device$/],
    ["with a full disk in /run", (host) => host.broken.add(recoverTimerPath), /no space left on device$/],
    [
      "with a systemd that refuses the timer",
      (host) => host.taught.unshift(([, verb]) => (verb === "restart" ? failed : undefined)),
      "systemctl restart edox-ops-recover.timer failed",
    ],
  ];
  for (const [title, prepare, message] of rows) {
    test(`armed: ${title}`, async () => {
      const { host } = hostWithSystemd();
      prepare(host);
      const before = state(host);
      const functions: string[] = [];
      const step = { before: async () => void functions.push("before") };
      const { outcome, problem } = await applied(host, step);
      expect([outcome, state(host), functions, host.list(journalDir)]).toEqual(["failed", before, [], []]);
      expect(problem?.message).toMatch(message);
    });
  }

  test.each(["/run/edox-ops-new", "/tmp/edox-ops"])("armed: with a program that a boot removes: %s", async (path) => {
    const { host } = hostWithSystemd();
    host.dir("/tmp", { mode: 0o1777 });
    host.put(path, "");
    const [result] = await converge([stepOf()], host, { act: host, program: path });
    expect(result?.problem).toMatchObject({
      code: "precondition-failed",
      hint: ["sudo", "install", "-m", "0755", path, "/usr/local/bin/edox-ops"],
    });
    expect(host.text("/a")).toBe("old");
  });
});

test("permanent program: the hint leaves /tmp and the home of a user as they are, and installs the program", () => {
  const host = fakeHost();
  for (const dir of ["/srv/tmp", "/opt"]) host.dir(dir, { mode: dir === "/opt" ? 0o777 : 0o1777 });
  host.dir("/home/alice", { uid: 1000 });
  host.dir("/home/alice/bin");
  const paths = ["/srv/tmp/edox-ops", "/home/alice/bin/edox-ops", "/opt/edox-ops", "/tmp/x", "/usr/bin/a b"];
  const hints = paths.map((path) => {
    try {
      demandPermanent(host, path, "it would not run");
      return null;
    } catch (error) {
      return (error as Problem).hint?.slice(1).join(" ");
    }
  });
  const installs = (path: string): string => `install -m 0755 ${path} /usr/local/bin/edox-ops`;
  expect(hints).toEqual([
    ...[installs(paths[0] ?? ""), installs(paths[1] ?? ""), "chmod go-w /opt", installs("/tmp/x")],
    installs("/usr/bin/a b"),
  ]);
  expect(demandPermanent(host, "/usr/local/bin/edox-ops", "")).toBeUndefined();
});

for (const moment of moments) {
  test(`armed: killed ${moment} any call, a changed host is armed, and a recovery restores and disarms it`, async () => {
    const record: Step["before"] = async (host, run) => {
      run.record({ kind: "line", path: "/keys", line: "ssh-ed25519 probe" });
      host.append("/keys", "ssh-ed25519 probe\n", 0o600);
      host.writeFile("/keys", Text.of("own\n").bytes, { ...attributes, mode: 0o600 });
    };
    const hostWithKeys = () => {
      const found = hostWithSystemd();
      found.host.put("/keys", "own\n", { mode: 0o600 });
      return found;
    };
    const whole = killedAt(hostWithKeys().host, Number.POSITIVE_INFINITY, moment);
    expect((await applied(whole.host, { before: record })).outcome).toBe("changed");
    const before = state(hostWithKeys().host);
    const restored = (found: ReturnType<typeof hostWithSystemd>) => {
      expect(found.host.text("/rules6")).toBe(null);
      expect(state(found.host)).toEqual(before);
      expect([found.systemd.timer, found.host.list(journalDir) ?? []]).toEqual([null, []]);
    };
    for (let call = 0; call < whole.calls(); call++) {
      const found = hostWithKeys();
      await applied(killedAt(found.host, call, moment).host, { before: record });
      const isDone = found.host.list(journalDir)?.length === 0 && found.host.text("/a") === "new";
      const files = ["/a", "/rules", "/keys"].map((path) => found.host.text(path));
      if (!isDone && files.join() !== "old,old rules,own\n") expect([call, isArmed(found)]).toEqual([call, true]);
      await recover(killedAt(found.host, call % 7, moment).host).catch(() => {});
      await recover(found.host);
      if (!isDone) restored(found);
      expect([found.systemd.timer, found.host.stat(recoverServicePath)]).toEqual([null, null]);
    }
  });
}

test("armed: the service does not stop itself when it disarms", async () => {
  const found = hostWithSystemd();
  const never = { verify: () => new Promise<void>(() => {}) };
  void applied(found.host, never);
  while (!isArmed(found) || found.host.text("/a") === "old") await Promise.resolve();
  found.host.put("/proc/self/cgroup", "1:name=systemd:/system.slice/edox-ops-recover.service\n0::/\n");
  found.host.ran.length = 0;
  await recover(found.host);
  expect(found.host.ran.filter((line) => line.includes("stop"))).toEqual(["systemctl stop edox-ops-recover.timer"]);
});

test("line: only this line is removed, and every other byte, the mode and the owner stay", async () => {
  const line = "ssh-ed25519 AAAA edox-ops-probe-1";
  for (const [before, after] of [
    [`a\r\n${line}\nb`, "a\r\nb"],
    [`a\n${line}`, "a\n"],
    [`${line}\n${line} more\n${line}\n`, `${line} more\n`],
    ["a\n", "a\n"],
  ] as const) {
    const { host } = hostWithSystemd();
    const step = {
      async verify(_: Host, { record }: Parameters<NonNullable<Step["verify"]>>[1]) {
        record({ kind: "line", path: "/home/eve/keys", line });
        record({ kind: "line", path: "/home/eve/missing", line });
        host.put("/home/eve/keys", Buffer.concat([Buffer.from(before), Buffer.from([0xff])]), { mode: 0o640, uid: 7 });
        throw new Error("no");
      },
    };
    expect((await applied(host, step)).outcome).toBe("failed");
    expect(Buffer.from(host.read("/home/eve/keys") ?? []).toString("latin1")).toBe(
      before.endsWith(line) ? `${before}\xff` : `${after}\xff`,
    );
    expect(host.stat("/home/eve/keys")).toMatchObject({ mode: 0o640, uid: 7 });
    expect(host.stat("/home/eve/missing")).toBe(null);
  }
});

test("touches: the files of a command are restored after its undo, byte for byte", async () => {
  const { host } = hostWithSystemd();
  const order: string[] = [];
  const act: Host = {
    ...host,
    writeFile(path, ...rest) {
      order.push(`write ${path}`);
      host.writeFile(path, ...rest);
    },
    run(argv) {
      if (argv[0] === "rule") order.push(argv.join(" "));
      return host.run(argv);
    },
  };
  await applied(act, { verify: () => Promise.reject(new Error("no")) });
  expect(order.filter((each) => each.includes("rule"))).toEqual(["rule on", "rule off", "write /rules"]);
  expect([host.text("/rules"), host.stat("/rules6")]).toEqual(["old rules", null]);
});

test("before: a step that it refuses is reported without a rollback, and runs no command again", async () => {
  const { host } = hostWithSystemd();
  const reload: Change = { kind: "command", argv: ["reload"], reason: "", again: true };
  const missing = [[reload]];
  const step = stepOf({
    resources: [{ name: "a", title: "", check: () => missing.pop() ?? [] }],
    async before(_, { record }) {
      record({ kind: "line", path: "/keys", line: "probe" });
      throw new Error("nobody gets in");
    },
  });
  const [result] = await converge([step], host, { act: host, program });
  expect(result?.problem?.message).toBe("nobody gets in");
  expect(host.ran.filter((line) => !line.startsWith("systemctl"))).toEqual([]);
});
