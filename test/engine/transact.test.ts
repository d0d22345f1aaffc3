import { describe, expect, test } from "bun:test";
import { type Change, Text } from "../../src/engine/change.ts";
import { converge } from "../../src/engine/converge.ts";
import type { Step } from "../../src/engine/step.ts";
import { transact } from "../../src/engine/transact.ts";
import { type FakeHost, fakeHost, ok } from "../fake-host.ts";

const attributes = { mode: 0o644, uid: 0, gid: 0 };
const file = (path: string, before: string | null, after: string): Change => ({
  kind: "file",
  path,
  before: before === null ? null : Text.of(before),
  after: Text.of(after),
  ...attributes,
});
const refused: Change = { kind: "command", argv: ["false"], reason: "x" };

async function failing(changes: Change[], host = fakeHost()): Promise<string> {
  host.taught.push((argv) => (argv[0] === "false" ? { code: 1, stdout: "", stderr: "no\n" } : ok()));
  const error = await transact(host, changes, async () => {}).catch((error: Error) => error);
  return (error as Error).message;
}

test("transact: a failure rolls back every kind of change in reverse order", async () => {
  const host = fakeHost();
  host.put("/a", "old", { mode: 0o600 });
  host.put("/gone", "kept");
  host.link("/link", "/one");
  host.dir("/dir", { mode: 0o700 });
  const before = host.listing();
  const changes: Change[] = [
    file("/a", "old", "new"),
    { kind: "removal", path: "/gone", before: Text.of("kept") },
    { kind: "link", path: "/link", before: "/one", after: null },
    { kind: "link", path: "/new-link", before: null, after: "/two" },
    { kind: "directory", path: "/dir", before: { mode: 0o700, uid: 0, gid: 0 }, ...attributes, mode: 0o755 },
    { kind: "directory", path: "/made", before: null, ...attributes },
    file("/made/b", null, "b"),
    refused,
  ];
  expect(await failing(changes, host)).toBe("false failed; the previous files were restored");
  expect(host.listing()).toEqual(before);
});

test("transact: an incomplete rollback reports what remains, and claims nothing else", async () => {
  const host = fakeHost();
  host.put("/a", "old");
  const again: Change = { ...refused, again: true };
  host.taught.push((argv) => {
    if (argv[0] === "false") host.broken.add("/a");
    return undefined;
  });
  expect(await failing([file("/a", "old", "new"), again], host)).toBe(
    "false failed; not rolled back: /a: no space left on device; false fails as well",
  );
});

test("transact: a rollback starts a service again that systemd refuses because it was started too often", async () => {
  const host = fakeHost();
  host.put("/a", "old");
  let isLimited = true;
  host.taught.push(([program, verb]) => {
    if (program !== "systemctl") return undefined;
    if (verb === "reset-failed") isLimited = false;
    return isLimited ? { code: 1, stdout: "", stderr: "start request repeated too quickly\n" } : ok();
  });
  const restart: Change = { kind: "command", argv: ["systemctl", "restart", "docker"], reason: "", again: true };
  expect(await failing([file("/a", "old", "new"), restart], host)).toBe(
    "systemctl restart docker failed; the previous files were restored",
  );
  expect(host.text("/a")).toBe("old");
});

test("transact: a failure runs the undo of a command in its place in the reverse order", async () => {
  const host = fakeHost();
  host.put("/a", "old");
  host.taught.push(([program, ...words]) => {
    if (program !== "note") return undefined;
    host.put("/notes", `${host.text("/notes") ?? ""}${words.join(" ")}: ${host.text("/a")}; `);
    return ok();
  });
  const noting = (words: string): Change => ({
    kind: "command",
    argv: ["note", words],
    undo: ["note", "not", words],
    reason: "",
  });
  const changes = [noting("one"), file("/a", "old", "new"), noting("two"), refused];
  expect(await failing(changes, host)).toBe("false failed; the changes were rolled back");
  expect(host.text("/notes")).toBe("one: old; two: new; not two: new; not one: old; ");
});

test("transact: the undo of the failed command runs too, and a failure of it is reported", async () => {
  const undo = ["undo-fails"];
  const host = fakeHost();
  host.taught.push(([program]) => (program === "undo-fails" ? { code: 1, stdout: "", stderr: "" } : undefined));
  expect(await failing([{ ...refused, undo }], host)).toBe("false failed; not rolled back: undo-fails failed");
});

test("transact: a rollback removes a file without reading it, which another user may have replaced by a hard link", async () => {
  const host = fakeHost();
  host.dir("/home/eve", { uid: 1000 });
  const { readOwn } = host;
  host.readOwn = (path) => {
    if (host.stat(path) !== null) throw new Error(`${path} is a hard link of a user`);
    return readOwn(path);
  };
  const before = host.listing();
  expect(await failing([file("/home/eve/a", null, "new"), refused], host)).toBe(
    "false failed; the previous files were restored",
  );
  expect(host.listing()).toEqual(before);
});

test("transact: a change that could not be rolled back is refused before it is applied", async () => {
  const host = fakeHost();
  host.put("/a", "old");
  host.put("/pipe", "");
  Object.assign(host.nodes.get("/pipe") ?? {}, { type: "other" });
  const before = host.listing();
  expect(await failing([file("/a", "old", "new"), file("/pipe", null, "new")], host)).toStartWith(
    "/pipe is not a file, a directory or a link",
  );
  expect(host.listing()).toEqual(before);
});

describe("transact: a failure after an installation", () => {
  const status = (host: FakeHost, state: string) =>
    host.put("/var/lib/dpkg/status", `Package: a\nStatus: install ok ${state}\nVersion: 1\n`);
  const install: Change = { kind: "packages", names: ["a"] };
  const changes = [file("/source", null, "s"), install, file("/config", null, "c"), refused];

  test("transact: a failure after packages were installed keeps their source", async () => {
    const host = fakeHost();
    host.taught.push(([program, ...words]) => {
      if (program === "apt-get" && words.includes("install")) status(host, "installed");
      return undefined;
    });
    expect(await failing(changes, host)).toBe("false failed; the previous files were restored");
    expect([host.text("/source"), host.text("/config")]).toEqual(["s", null]);
  });

  test("transact: the hint of a failed installation repeats the command if the source was rolled back, and uses apt-get otherwise", async () => {
    const host = fakeHost();
    host.taught.push(([program, ...words]) => {
      if (program !== "apt-get" || !words.includes("install")) return program === "apt-get" ? ok() : undefined;
      return { code: 100, stdout: "", stderr: "E: Unable to locate package a\n" };
    });
    const again = ["sudo", "edox-ops", "gitlab-runner", "install", "--yes"];
    const hintOf = async (all: Change[]) =>
      transact(host, all, async () => {}, { again }).catch((error: { hint?: readonly string[] }) => error.hint);
    expect(await hintOf(changes)).toEqual(again);
    // Nothing was rolled back, so apt still has its sources.
    expect(await hintOf([install])).toEqual(["sudo", "apt-get", "install", "--fix-broken", "a"]);
  });

  for (const [state, kept] of [
    ["unpacked", "s"],
    ["half-installed", "s"],
    ["config-files", null],
    ["not-installed", null],
  ] as const) {
    test(`transact: a failed installation that leaves a package ${state} ${kept ? "keeps" : "rolls back"} its source`, async () => {
      const host = fakeHost();
      host.taught.push(([program, ...words]) => {
        if (program !== "apt-get" || !words.includes("install")) return undefined;
        status(host, state);
        return { code: 100, stdout: "", stderr: "E: Sub-process /usr/bin/dpkg returned an error code (1)\n" };
      });
      expect(await failing(changes, host)).toStartWith("apt-get could not install a");
      expect(host.text("/source")).toBe(kept);
    });
  }
});

test("transact: a failed command reports the first log with output, as an error or as a warning", async () => {
  const host = fakeHost();
  host.taught.push(([program]) => {
    if (program === "silent") return ok("\n");
    return program === "log" ? ok("because\n") : undefined;
  });
  host.taught.push((argv) => (argv[0] === "false" ? { code: 1, stdout: "", stderr: "no\n" } : undefined));
  const logs = [["silent"], ["log"], ["untaught"]];
  const error = await transact(host, [{ ...refused, logs }], async () => {}).catch((error: Error) => error);
  expect(error).toMatchObject({ stderr: "no\nbecause\n" });
  const mayFail = "it waits";
  expect(await transact(host, [{ ...refused, logs, mayFail }], async () => {})).toEqual(["it waits; because"]);
});

test("converge: a change that another process made during a wait is not repeated", async () => {
  const host = fakeHost();
  const step: Step = {
    id: "a",
    title: "",
    requires: [
      { name: "w", title: "", waitMs: 5000, check: (reader) => (reader.stat("/a") ? null : { reason: "not yet" }) },
    ],
    resources: [{ name: "a", title: "", check: (reader) => (reader.stat("/a") ? [] : [file("/a", null, "ours")]) }],
  };
  const watch = { waiting: () => host.put("/a", "theirs") };
  const [result] = await converge([step], host, { act: host, watch });
  expect(result).toMatchObject({ outcome: "ok", changes: [] });
  expect(host.text("/a")).toBe("theirs");
});
