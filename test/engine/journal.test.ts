import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Change, Text } from "../../src/engine/change.ts";
import { converge } from "../../src/engine/converge.ts";
import { journalDir } from "../../src/engine/paths.ts";
import { planRecovery, recover } from "../../src/engine/recover.ts";
import type { Step, StepResult } from "../../src/engine/step.ts";
import { transact } from "../../src/engine/transact.ts";
import type { Host } from "../../src/host/host.ts";
import { type FakeHost, fakeHost, ok } from "../fake-host.ts";
import { runs } from "../runs.ts";
import { interrupt, killedAt, type Moment, moments } from "./killed-host.ts";

const step = "ssh.harden";
const path = `${journalDir}/${step}`;
const attributes = { mode: 0o644, uid: 0, gid: 0 };
const text = (value: string): Text => Text.of(value);

const set = (value: string): Change => ({
  kind: "command",
  argv: ["set", value],
  undo: ["set", "initial"],
  reason: "it is not set",
});

/** A host with something of each kind, and a program with a setting of its own. */
function hostToChange(): FakeHost {
  const host = fakeHost();
  host.dir("/var/lib");
  host.put("/d/a", "old", { mode: 0o600, uid: 7, gid: 8 });
  host.put("/d/b", new Uint8Array([0, 255, 10, 13]));
  host.put("/d/empty", "");
  host.link("/d/link", "a");
  host.dir("/d/dir", { mode: 0o700 });
  host.put("/setting", "initial");
  host.taught.push(([program, value = ""]) => {
    if (program !== "set") return undefined;
    host.put("/setting", value);
    return ok();
  });
  return host;
}

const state = (host: FakeHost) =>
  Object.fromEntries(Object.entries(host.listing()).filter(([each]) => !each.startsWith("/var/lib/edox-ops")));

const run = (changes: readonly Change[], host: Host): Promise<unknown> =>
  transact(host, changes, async () => {}, { journaled: step }).catch((error: Error) => error);

const outcomes = (results: StepResult[]) => results.map(({ id, outcome, problem }) => [id, outcome, problem?.message]);

const everyKind: Change[] = [
  { kind: "file", path: "/d/a", before: text("old"), after: text("new"), ...attributes },
  { kind: "removal", path: "/d/b", before: text("") },
  { kind: "link", path: "/d/link", before: "a", after: "b" },
  set("on"),
  { kind: "directory", path: "/d/dir", before: { ...attributes, mode: 0o700 }, ...attributes, mode: 0o755 },
  { kind: "directory", path: "/d/made", before: null, ...attributes, mode: 0o755 },
  { kind: "file", path: "/d/made/c", before: null, after: text("c"), ...attributes },
  { kind: "file", path: "/d/a", before: text("new"), after: text("newer"), ...attributes },
  { kind: "link", path: "/d/new-link", before: null, after: "a" },
];

const place = fc.constantFrom("/d/a", "/d/b", "/d/empty", "/d/link", "/d/new", "/d/dir/x", "/d/made/y");
const modes = fc.constantFrom(0o600, 0o644, 0o4755);
const content = fc.uint8Array({ maxLength: 20 }).map((bytes) => new Text(bytes));
const anyChange: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ path: place, after: content, mode: modes }).map((each) => {
    return { kind: "file" as const, before: null, ...attributes, ...each };
  }),
  place.map((each) => ({ kind: "removal" as const, path: each, before: text("") })),
  fc.record({ path: place, after: fc.constantFrom("a", "/nowhere", null) }).map((each) => {
    return { kind: "link" as const, before: null, ...each };
  }),
  fc.record({ path: fc.constantFrom("/d/made", "/d/other"), mode: modes }).map((each) => {
    return { kind: "directory" as const, before: null, ...attributes, ...each };
  }),
  fc.constantFrom("on", "off").map(set),
);

/** Returns the host after a run that was killed at this call, and the number of its calls. */
async function killed(changes: readonly Change[], call: number, moment: Moment) {
  const fake = hostToChange();
  const process = killedAt(fake, call, moment);
  await run(changes, process.host);
  return { fake, calls: process.calls() };
}

/** Expects that a recovery restores the host, also if it was killed itself, and that another one changes nothing. */
async function expectRestored(fake: FakeHost, call: number, moment: Moment): Promise<void> {
  await recover(killedAt(fake, call, moment).host).catch(() => {});
  await recover(fake);
  expect(state(fake)).toEqual(state(hostToChange()));
  expect(fake.list(journalDir) ?? []).toEqual([]);
  expect(await recover(fake)).toEqual([]);
}

describe("journal: a run killed at every call that changes the host is rolled back completely", () => {
  for (const moment of moments) {
    test(`journal: killed ${moment} a call, and the recovery killed at every call too`, async () => {
      const { calls } = await killed(everyKind, Number.POSITIVE_INFINITY, moment);
      expect(calls).toBe(3 + 2 * everyKind.length + 1);
      for (let call = 0; call < calls; call++) {
        // The last call removes the journal: with that the step is done.
        if (call === calls - 1 && moment === "after") continue;
        for (let later = 0; later < 2 * calls; later++) {
          await expectRestored((await killed(everyKind, call, moment)).fake, later, moment);
        }
      }
    });
  }

  test("journal: a killed run of any changes is rolled back completely", async () => {
    const property = fc.asyncProperty(
      fc.array(anyChange, { minLength: 1, maxLength: 6 }),
      fc.constantFrom(...moments),
      fc.nat(20),
      async (changes, moment, later) => {
        const whole = await killed(changes, Number.POSITIVE_INFINITY, moment);
        expect(whole.fake.list(journalDir) ?? []).toEqual([]);
        const done = state(whole.fake);
        for (let call = 0; call < whole.calls; call++) {
          const { fake } = await killed(changes, call, moment);
          if (call === whole.calls - 1 && moment === "after") expect(state(fake)).toEqual(done);
          else await expectRestored(fake, later, moment);
        }
      },
    );
    await fc.assert(property, { numRuns: runs(25, 3000), seed: 20_261_128 });
  }, 60_000);
});

async function interrupted(changes: readonly Change[] = everyKind): Promise<FakeHost> {
  const host = hostToChange();
  host.taught.push(() => ok());
  await interrupt(host, step, changes);
  return host;
}

describe("journal: an interrupted run", () => {
  test("recover: reports the changes that it made, and its plan is the same", async () => {
    const host = await interrupted(everyKind.slice(1, 6));
    const before = host.listing();
    const [planned] = await planRecovery(host);
    expect(host.listing()).toEqual(before);
    const [result] = await recover(host);
    const shown = result?.changes.map((change) => ("path" in change ? change.path : change.kind));
    expect(shown).toEqual(["/d/made", "/d/dir", "command", "/d/link", "/d/b"]);
    expect([planned?.outcome, planned?.changes]).toEqual(["pending", result?.changes]);
    expect(result).toMatchObject({ id: step, outcome: "changed", warnings: [] });
  });

  test("recover: a restored file is secret in the report", async () => {
    const [result] = await recover(await interrupted(everyKind.slice(0, 1)));
    expect(JSON.stringify(result)).toContain("[redacted]");
    expect(JSON.stringify(result)).not.toContain("old");
    expect(JSON.stringify(result)).not.toContain("new");
  });

  test("recover: runs the commands marked again after the rollback, and reports the one that fails", async () => {
    const reload: Change = { kind: "command", argv: ["reload"], reason: "", again: true };
    const host = await interrupted([...everyKind.slice(0, 1), reload]);
    const { listing } = host;
    let seen = "";
    host.taught.unshift(([program]) => {
      if (program !== "reload") return undefined;
      seen = listing("/d/a")["/d/a"] ?? "";
      return { code: 1, stdout: "", stderr: "" };
    });
    expect(await recover(host)).toMatchObject([{ outcome: "changed", warnings: ["reload failed after the rollback"] }]);
    expect(seen).toBe("file 600 7:8 old");
    expect(host.list(journalDir)).toEqual([]);
  });

  test("recover: an incomplete rollback restores the rest, keeps the journal, and is completed by the next one", async () => {
    const host = await interrupted();
    host.broken.add("/d/a");
    const failed = [[step, "failed", "no space left at /d: not rolled back: /d/a: no space left on device"]];
    expect(outcomes(await recover(host))).toEqual(failed as never);
    expect([host.text("/d/a"), host.text("/setting"), host.readLink("/d/link")]).toEqual(["newer", "initial", "a"]);
    expect(outcomes(await recover(host))).toEqual(failed as never);
    host.broken.clear();
    expect(outcomes(await recover(host))).toEqual([[step, "changed", undefined]]);
    expect(state(host)).toEqual(state(hostToChange()));
  });

  test("recover: unpacked packages stay, and so do all changes before them", async () => {
    for (const [unpacked, kept] of [
      [true, "s"],
      [false, null],
    ] as const) {
      const host = hostToChange();
      host.taught.push(([program, ...words]) => {
        if (program === "apt-get" && words.includes("install") && unpacked) {
          host.put("/var/lib/dpkg/status", "Package: a\nStatus: install ok installed\nVersion: 1\n");
        }
        return ok();
      });
      const source: Change = { kind: "file", path: "/source", before: null, after: text("s"), ...attributes };
      const config: Change = { ...source, path: "/config" };
      await interrupt(host, step, [source, { kind: "packages", names: ["a"] }, config]);
      expect(outcomes(await recover(host))).toEqual([[step, "changed", undefined]]);
      expect([host.text("/source"), host.text("/config")]).toEqual([kept, null]);
    }
  });
});

test("journal: contains the old content, and only root can open it", async () => {
  const host = await interrupted(everyKind.slice(0, 1));
  expect(host.stat(path)).toMatchObject({ type: "file", mode: 0o600, uid: 0, gid: 0 });
  expect(host.stat(journalDir)).toMatchObject({ type: "directory", mode: 0o700, uid: 0, gid: 0 });
  expect(host.text(path)).toContain(`"bytes":"${btoa("old")}"`);
  expect(host.text(path)).not.toContain(btoa("new"));
});

test("journal: a step without one, and a step without changes, write none", async () => {
  const host = hostToChange();
  const resource = { name: "a", title: "", check: () => (host.text("/d/a") === "new" ? [] : everyKind.slice(0, 1)) };
  const plain: Step = { id: "a", title: "", resources: [resource] };
  const written: string[] = [];
  const act: Host = {
    ...host,
    writeFile(each, ...rest) {
      written.push(each);
      host.writeFile(each, ...rest);
    },
  };
  await converge([plain], act, { act });
  await converge([{ ...plain, journal: true }], act, { act });
  expect([written, host.stat("/var/lib/edox-ops")]).toEqual([["/d/a"], null]);
  host.put("/d/a", "old");
  await converge([{ ...plain, id: step, journal: true }], act, { act });
  expect([written, host.list(journalDir)]).toEqual([["/d/a", path, "/d/a"], []]);
});

test("journal: a failed step is rolled back and leaves none", async () => {
  const host = hostToChange();
  const error = await transact(host, everyKind, () => Promise.reject(new Error("no")), { journaled: step }).catch(
    String,
  );
  expect(error).toBe("Problem: no; the changes were rolled back");
  expect([state(host), host.list(journalDir)]).toEqual([state(hostToChange()), []]);
});

test("journal: an incomplete rollback keeps it, and the hint is to recover", async () => {
  const host = hostToChange();
  const fails = async (): Promise<void> => {
    host.broken.add("/d/a");
    throw new Error("no");
  };
  const error = await transact(host, everyKind, fails, { journaled: step }).catch((error: Error) => error);
  expect(error).toMatchObject({
    message: "no; not rolled back: /d/a: no space left on device",
    hint: ["sudo", "edox-ops", "recover"],
  });
  host.broken.clear();
  await recover(host);
  expect(state(host)).toEqual(state(hostToChange()));
});

test("journal: a change that cannot be recorded is not applied", async () => {
  const host = hostToChange();
  host.broken.add(path);
  const error = await run(everyKind, host);
  expect(error).toMatchObject({ message: `ENOSPC: no space left on device, ${path}` });
  expect(state(host)).toEqual(state(hostToChange()));
});

for (const kind of ["file", "link"] as const) {
  test(`journal: a ${kind} that its owner exchanges while it is recorded fails the step, and nothing is applied`, async () => {
    const host = hostToChange();
    const [path, change] = kind === "file" ? ["/d/a", everyKind[0]] : ["/d/link", everyKind[2]];
    const racing: Host = {
      ...host,
      readOwn: (each) => (each === path ? null : host.readOwn(each)),
      readLink: (each) => (each === path ? null : host.readLink(each)),
    };
    expect(await run([change as Change], racing)).toMatchObject({
      code: "concurrent-change",
      message: `${path} was changed by another program: its rollback could not be recorded`,
    });
    expect(state(host)).toEqual(state(hostToChange()));
    expect(host.list(journalDir)).toEqual([]);
  });
}

test("journal: one that an earlier run left is never overwritten", async () => {
  const host = await interrupted();
  const before = host.listing();
  expect(await run(everyKind, host)).toMatchObject({
    code: "precondition-failed",
    hint: ["sudo", "edox-ops", "recover"],
  });
  expect(host.listing()).toEqual(before);
});

describe("journal: one that this program did not write is not used", () => {
  const line = (value: unknown): string => {
    const json = JSON.stringify(value);
    return `${new Bun.CryptoHasher("sha256").update(json).digest("hex").slice(0, 16)} ${json}\n`;
  };
  const header = line({ schema: 1, step, again: [] });
  const valid = line({ kind: "absent", path: "/d/a" });
  const rows: [string, (host: FakeHost) => void][] = [
    ["a directory that others can change", (host) => host.dir(journalDir, { mode: 0o770 })],
    ["another user's directory", (host) => host.dir(journalDir, { mode: 0o700, uid: 7 })],
    ["a directory in another user's", (host) => host.dir("/var/lib/edox-ops", { uid: 7 })],
    [
      "a directory of other files that others can read, in place of its own",
      (host) => {
        host.dir(journalDir, { mode: 0o755 });
        host.put(`${journalDir}/.profile`, "");
        host.put(`${journalDir}/.${step}.edox-ops-new`, "");
      },
    ],
    ["another user's file", (host) => host.put(path, header + valid, { mode: 0o600, uid: 7 })],
    ["a file that others can read", (host) => host.put(path, header + valid, { mode: 0o640 })],
    ["a link", (host) => host.link(path, "/d/a")],
    ["an empty file", (host) => host.put(path, "", { mode: 0o600 })],
    ["a file without a header", (host) => host.put(path, valid, { mode: 0o600 })],
    ["a damaged line before the last", (host) => host.put(path, `${header}x${valid}${valid}`, { mode: 0o600 })],
    ["a header without a version", (host) => host.put(path, line({ step, again: [] }), { mode: 0o600 })],
    ...[
      { kind: "unknown", path: "/d/a" },
      { kind: "absent", path: "d/a" },
      { kind: "absent", path: "/d/../a" },
      { kind: "absent", path: "/d//a" },
      { kind: "absent", path: "/" },
      { kind: "absent", path: "/d/a\0" },
      { kind: "absent", path: "/d/a", more: 1 },
      { kind: "file", path: "/d/a", bytes: "%", ...attributes },
      { kind: "file", path: "/d/a", bytes: "", ...attributes, mode: 0o10000 },
      { kind: "file", path: "/d/a", bytes: "", ...attributes, uid: -1 },
      { kind: "file", path: "/d/a", bytes: "", mode: 0o600, uid: 0 },
      { kind: "directory", path: "/d", ...attributes, gid: 0.5 },
      { kind: "link", path: "/d/a", target: "" },
      { kind: "command", argv: [] },
      { kind: "command", argv: "rm -r /" },
      { kind: "packages", names: [1] },
      [],
      null,
    ].map((value): [string, (host: FakeHost) => void] => {
      return [JSON.stringify(value), (host) => host.put(path, header + line(value), { mode: 0o600 })];
    }),
  ];
  for (const [what, plant] of rows) {
    test(`recover: ${what}`, async () => {
      const host = hostToChange();
      host.dir("/var/lib/edox-ops");
      host.dir(journalDir, { mode: 0o700 });
      host.put(path, header + valid, { mode: 0o600 });
      plant(host);
      const before = host.listing();
      const [result] = await recover(host);
      const code = what.includes("directory") && !what.startsWith("{") ? "precondition-failed" : "invalid-config";
      expect(result).toMatchObject({ id: step, outcome: "failed", changes: [], problem: { code } });
      expect(await planRecovery(host)).toMatchObject([{ outcome: "failed" }]);
      expect(host.listing()).toEqual(before);
    });
  }

  test("recover: a journal of a newer version is kept, and the hint is to install that version", async () => {
    const host = hostToChange();
    host.dir("/var/lib/edox-ops");
    host.dir(journalDir, { mode: 0o700 });
    host.put(path, line({ schema: 2, step, more: 1 }) + line({ kind: "later" }), { mode: 0o600 });
    const before = host.listing();
    expect(await recover(host)).toMatchObject([
      {
        outcome: "failed",
        problem: {
          code: "precondition-failed",
          message: `${path} was written by a newer version of edox-ops`,
          hint: ["sudo", "edox-ops", "self-update"],
        },
      },
    ]);
    expect(host.listing()).toEqual(before);
  });

  test("recover: of the hidden files only those that a killed run was about to rename are removed", async () => {
    const host = hostToChange();
    host.dir("/var/lib/edox-ops");
    host.dir(journalDir, { mode: 0o700 });
    for (const name of [".profile", `.${step}.edox-ops-new`]) host.put(`${journalDir}/${name}`, header);
    expect(await recover(host)).toEqual([]);
    expect(host.list(journalDir)).toEqual([".profile"]);
  });

  test("recover: a hidden file that cannot be removed does not hide the rollback", async () => {
    const host = await interrupted();
    const hidden = `${journalDir}/.${step}.edox-ops-new`;
    host.put(hidden, "");
    const refusing: Host = {
      ...host,
      remove(path) {
        if (path === hidden) throw new Error(`EPERM: ${path}`);
        host.remove(path);
      },
    };
    expect(outcomes(await recover(refusing))).toEqual([[step, "changed", undefined]]);
  });

  test("recover: a journal that cannot be removed is a failure, and the changes that were made are reported", async () => {
    const host = await interrupted();
    const refusing: Host = {
      ...host,
      remove(each) {
        if (each === path) throw Object.assign(new Error(`EROFS: read-only file system, ${each}`), { code: "EROFS" });
        host.remove(each);
      },
    };
    const [result] = await recover(refusing);
    expect(result).toMatchObject({ outcome: "failed", problem: { code: "read-only-file-system" } });
    expect(result?.changes.length).toBeGreaterThan(0);
    expect(state(host)).toEqual(state(hostToChange()));
    expect(outcomes(await recover(host))).toEqual([[step, "changed", undefined]]);
  });

  test("recover: any bytes in place of the last line count as a change that was not applied", () =>
    fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 100 }), async (bytes) => {
        const host = hostToChange();
        host.dir("/var/lib/edox-ops");
        host.dir(journalDir, { mode: 0o700 });
        const last = bytes.map((byte) => (byte === 10 ? 0 : byte));
        host.put(path, Buffer.concat([Buffer.from(header + valid), last]), { mode: 0o600 });
        expect(outcomes(await recover(host))).toEqual([[step, "changed", undefined]]);
        expect(host.stat("/d/a")).toBeNull();
      }),
      { numRuns: runs(40, 5000), seed: 20_261_128 },
    ));
});
