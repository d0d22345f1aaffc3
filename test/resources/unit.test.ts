// Units of any type and state, read from their files and links.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Change } from "../../src/engine/change.ts";
import { Text } from "../../src/engine/change.ts";
import { converge } from "../../src/engine/converge.ts";
import { snapshot } from "../../src/engine/snapshot.ts";
import { type UnitSpec, unit, units } from "../../src/resources/unit.ts";
import { findUnitFile, isEnabled, linksToEnable } from "../../src/resources/unit-file.ts";
import type { UnitName } from "../../src/resources/unit-name.ts";
import { type FakeHost, fakeHost, ok } from "../fake-host.ts";
import { processorTime } from "../processor-time.ts";

const etc = "/etc/systemd/system";
const lib = "/usr/lib/systemd/system";
const install = (...lines: string[]): string => ["[Unit]", "[Install]", ...lines, ""].join("\n");

/** Returns a host with these unit files, whose systemd answers with these states. */
function hostWith(files: Record<string, string>, states: Record<string, string> = {}): FakeHost {
  const host = fakeHost();
  host.dir(etc);
  for (const [path, text] of Object.entries(files)) host.put(path, text);
  host.taught.push(([program, verb, ...rest]) => {
    if (program !== "systemctl") return undefined;
    if (verb !== "show") return ok();
    const names = rest.slice(rest.indexOf("--") + 1);
    return ok(names.map((name) => `ActiveState=${states[name] ?? "inactive"}\n`).join("\n"));
  });
  return host;
}

async function commands(host: FakeHost, spec: UnitSpec, ahead: Change[] = []): Promise<string[]> {
  const changes = await unit(spec).check(snapshot(host), ahead, () => {});
  return changes.map((change) => (change.kind === "command" ? change.argv.slice(1).join(" ") : change.kind));
}

const timer = { [`${lib}/a.timer`]: install("WantedBy=timers.target") };

describe("unit: enabled", () => {
  test("unit: a timer without its link is enabled, and one with it is not changed", async () => {
    const host = hostWith(timer);
    expect(await commands(host, { unit: "a.timer", state: "enabled" })).toEqual(["enable a.timer"]);
    host.link(`${etc}/timers.target.wants/a.timer`, `${lib}/a.timer`);
    expect(await commands(host, { unit: "a.timer", state: "enabled" })).toEqual([]);
  });

  test("unit: a link that exists only until the next boot does not count as enabled", async () => {
    const host = hostWith(timer);
    host.link("/run/systemd/system/timers.target.wants/a.timer", `${lib}/a.timer`);
    expect(await commands(host, { unit: "a.timer", state: "enabled" })).toEqual(["enable a.timer"]);
  });

  test("unit: each of RequiredBy, UpheldBy and Alias needs its link, also from a drop-in", async () => {
    const host = hostWith({
      [`${lib}/a.socket`]: install("RequiredBy=b.target", "Alias=c.socket"),
      "/run/systemd/system/a.socket.d/x.conf": install("UpheldBy=d.service"),
    });
    const links = [`${etc}/b.target.requires/a.socket`, `${etc}/d.service.upholds/a.socket`, `${etc}/c.socket`];
    for (const link of links) {
      expect(await commands(host, { unit: "a.socket", state: "enabled" })).toEqual(["enable a.socket"]);
      host.link(link, `${lib}/a.socket`);
    }
    expect(await commands(host, { unit: "a.socket", state: "enabled" })).toEqual([]);
  });

  test("unit: an instance is enabled by its own link, from its template and the template's drop-ins", async () => {
    const host = hostWith({
      [`${lib}/a@.service`]: install("WantedBy=%i.target"),
      [`${lib}/a@.service.d/x.conf`]: install("WantedBy=all-%p.target"),
    });
    host.link(`${etc}/one.target.wants/a@one.service`, `${lib}/a@.service`);
    expect(await commands(host, { unit: "a@one.service", state: "enabled" })).toEqual(["enable a@one.service"]);
    host.link(`${etc}/all-a.target.wants/a@one.service`, `${lib}/a@.service`);
    expect(await commands(host, { unit: "a@one.service", state: "enabled" })).toEqual([]);
    expect(await commands(host, { unit: "a@two.service", state: "enabled" })).toEqual(["enable a@two.service"]);
  });

  test("unit: a template is enabled as its default instance, and is refused without one", async () => {
    const host = hostWith({ [`${lib}/a@.service`]: install("WantedBy=b.target", "DefaultInstance=one") });
    expect(await commands(host, { unit: "a@.service", state: "enabled" })).toEqual(["enable a@.service"]);
    host.link(`${etc}/b.target.wants/a@one.service`, `${lib}/a@.service`);
    expect(await commands(host, { unit: "a@.service", state: "enabled" })).toEqual([]);
    expect(await commands(host, { unit: "a@.service", state: "disabled" })).toEqual(["disable a@.service"]);
    host.put(`${lib}/a@.service`, install("WantedBy=b.target"));
    await expect(commands(host, { unit: "a@.service", state: "enabled" })).rejects.toThrow("name an instance");
    expect(() => unit({ unit: "a@.service", state: "enabled", active: true })).toThrow("cannot be active");
  });

  test("unit: a unit without its links in another target's folder is enabled although one link exists", async () => {
    const host = hostWith({ [`${etc}/a.service`]: install("WantedBy=b.target c.target") });
    host.link(`${etc}/b.target.wants/a.service`, `${etc}/a.service`);
    expect(isEnabled(host, "a")).toBe(true);
    await expect(commands(host, { unit: "a.service", state: "enabled" })).resolves.toEqual(["enable a.service"]);
  });
});

describe("unit: refused", () => {
  for (const [what, files, name, reason] of [
    [
      "a static unit",
      { [`${lib}/a.service`]: "[Service]\n" },
      "a.service",
      "a.service is static, and cannot be enabled",
    ],
    ["a unit that does not exist", {}, "a.timer", "a.timer is not found"],
    ["a generated unit", { "/run/systemd/generator/a.mount": install("WantedBy=b.target") }, "a.mount", "is generated"],
    ["a unit that its package masks", { [`${lib}/a.service`]: "" }, "a.service", "belongs to a package"],
  ] as const) {
    test(`unit: ${what} cannot be enabled`, async () => {
      const host = hostWith(files);
      await expect(commands(host, { unit: name, state: "enabled" })).rejects.toThrow(reason);
      expect(host.ran).toEqual([]);
    });
  }

  test("unit: an alias names the unit to use", async () => {
    const host = hostWith({ [`${lib}/real.service`]: install("Alias=a.service") });
    host.link(`${etc}/a.service`, `${lib}/real.service`);
    await expect(commands(host, { unit: "a.service", state: "enabled" })).rejects.toThrow(
      "is an alias of real.service",
    );
  });

  test("unit: a unit file that is a directory or a device is named", async () => {
    const host = hostWith({});
    host.dir(`${etc}/a.service`);
    await expect(commands(host, { unit: "a.service", state: "enabled" })).rejects.toThrow(
      `${etc}/a.service is a directory`,
    );
  });

  test("unit: a name that is no unit is a programming error", () => {
    for (const name of ["../a.service", "a b.service", "-", `${"a".repeat(260)}.service`, "a.conf", "--now.service/"]) {
      expect(() => unit({ unit: name as UnitName, state: "masked" })).toThrow("is not the name of a unit");
    }
  });
});

describe("unit: disabled", () => {
  test("unit: links in any target's folder, aliases and links until the next boot are removed", async () => {
    const host = hostWith({ [`${lib}/a.service`]: install("WantedBy=b.target") });
    expect(await commands(host, { unit: "a.service", state: "disabled" })).toEqual([]);
    host.link(`${etc}/other.target.requires/a.service`, `${lib}/a.service`);
    expect(await commands(host, { unit: "a.service", state: "disabled" })).toEqual(["disable a.service"]);
    host.remove(`${etc}/other.target.requires/a.service`);
    host.link("/run/systemd/system/a-alias.service", `${lib}/a.service`);
    expect(await commands(host, { unit: "a.service", state: "disabled" })).toEqual(["disable --runtime a.service"]);
  });

  test("unit: a unit that is static or does not exist is disabled already", async () => {
    const host = hostWith({ [`${lib}/a.service`]: "[Service]\n" });
    expect(await commands(host, { unit: "a.service", state: "disabled", active: false })).toEqual([]);
    expect(await commands(host, { unit: "none.socket", state: "disabled", active: false })).toEqual([]);
  });
});

describe("unit: masked", () => {
  test("unit: a unit is stopped and masked, and a masked one is not changed", async () => {
    const host = hostWith(timer, { "a.timer": "active" });
    const want = { unit: "a.timer", state: "masked", active: false } as const;
    expect(await commands(host, want)).toEqual(["stop a.timer", "mask a.timer"]);
    host.link(`${etc}/a.timer`, "/dev/null");
    expect(await commands(host, { ...want, unit: "a.timer" })).toEqual(["stop a.timer"]);
    host.put(`${etc}/a.timer`, "");
    expect(await commands(hostWith({ [`${etc}/a.timer`]: "" }), want)).toEqual([]);
  });

  test("unit: a mask until the next boot is made permanent", async () => {
    const host = hostWith(timer);
    host.link("/run/systemd/system/a.timer", "/dev/null");
    expect(await commands(host, { unit: "a.timer", state: "masked" })).toEqual(["mask a.timer"]);
  });

  test("unit: a file of the admin in the place of the mask is not replaced", async () => {
    const host = hostWith({ [`${etc}/a.service`]: "[Service]\n" });
    await expect(commands(host, { unit: "a.service", state: "masked" })).rejects.toThrow(`move ${etc}/a.service away`);
  });

  test("unit: each mask is removed before a unit is enabled or started", async () => {
    const host = hostWith(timer);
    host.link(`${etc}/a.timer`, "/dev/null");
    host.link("/run/systemd/system/a.timer", "/dev/null");
    expect(await commands(host, { unit: "a.timer", state: "enabled", active: true })).toEqual([
      "unmask a.timer",
      "unmask --runtime a.timer",
      "start a.timer",
      "enable a.timer",
    ]);
    expect(await commands(host, { unit: "a.timer", state: "disabled" })).toEqual([
      "unmask a.timer",
      "unmask --runtime a.timer",
    ]);
  });
});

describe("unit: active", () => {
  test("unit: each state of systemd leads to the command that changes it", async () => {
    for (const [state, start, stop] of [
      ["active", [], ["stop a.socket"]],
      ["reloading", [], ["stop a.socket"]],
      ["inactive", ["start a.socket"], []],
      ["failed", ["start a.socket"], []],
      ["activating", ["start a.socket"], ["stop a.socket"]],
      ["deactivating", ["start a.socket"], ["stop a.socket"]],
    ] as const) {
      const host = hostWith({ [`${lib}/a.socket`]: "[Socket]\n" }, { "a.socket": state });
      const want = { unit: "a.socket", state: "disabled" } as const;
      expect([state, await commands(host, { ...want, active: true })]).toEqual([state, [...start]]);
      expect([state, await commands(host, { ...want, active: false })]).toEqual([state, [...stop]]);
      expect(await commands(host, want)).toEqual([]);
    }
  });

  test("unit: services with an invocation need no child process, and all other units share one", async () => {
    const host = hostWith({}, { "a.timer": "active", "b.socket": "active" });
    const probed: string[] = [];
    const { probe } = host;
    host.probe = (argv) => {
      probed.push(argv.join(" "));
      return probe(argv);
    };
    const invocation = "/run/systemd/units/invocation:c@1.service";
    host.link(invocation, "0123");
    await host.sleep(5000);
    const [a, b, c] = units([
      { unit: "a.timer", state: "disabled", active: true },
      { unit: "b.socket", state: "disabled", active: true },
      { unit: "c@1.service", state: "disabled", active: true },
    ]);
    const reader = snapshot(host);
    expect(await c?.check(reader, [], () => {})).toEqual([]);
    expect(probed).toEqual([]);
    for (const each of [a, b, c]) expect(await each?.check(reader, [], () => {})).toEqual([]);
    expect(probed).toEqual(["systemctl show --property=ActiveState -- a.timer b.socket c@1.service"]);
  });

  test("unit: a systemd that does not answer leaves the state unknown", async () => {
    const host = hostWith(timer);
    host.taught.unshift(() => ({ code: 1, stdout: "", stderr: "Failed to connect to bus\n" }));
    const step = { id: "unit", title: "", resources: [unit({ unit: "a.timer", state: "enabled", active: true })] };
    const [result] = await converge([step], host, {});
    expect(result).toMatchObject({
      outcome: "unknown",
      unknown: ["unit:a.timer: systemctl show failed: Failed to connect to bus"],
    });
  });
});

describe("unit: files of the same run", () => {
  const write = (path: string, text: string): Change => ({
    ...{ kind: "file", path, before: null, after: Text.of(text), mode: 0o644, uid: 0, gid: 0 },
  });

  test("unit: a unit file that an earlier change writes is loaded before the unit is restarted and enabled", async () => {
    const host = hostWith({}, { "a.timer": "active" });
    const ahead = [write(`${etc}/a.timer`, install("WantedBy=timers.target"))];
    expect(await commands(host, { unit: "a.timer", state: "enabled", active: true }, ahead)).toEqual([
      "daemon-reload",
      "restart a.timer",
      "enable a.timer",
    ]);
    const reload: Change = { kind: "command", argv: ["systemctl", "daemon-reload"], reason: "" };
    expect(await commands(host, { unit: "a.timer", state: "enabled" }, [...ahead, reload])).toEqual(["enable a.timer"]);
  });

  test("unit: a unit that a package brings is started and enabled after it, and one that nothing brings is refused", async () => {
    const comes: Change = { kind: "packages", names: ["a"] };
    const want = { unit: "a.timer", state: "enabled", active: true } as const;
    expect(await commands(hostWith({}), want, [comes])).toEqual(["start a.timer", "enable a.timer"]);
    expect(await commands(hostWith({}), { ...want, brought: "a" }, [comes])).toEqual([]);
    await expect(commands(hostWith({}), { ...want, brought: "a" })).rejects.toThrow("is not found");
  });
});

describe("unit: hostile unit files", () => {
  const linksOf = (text: string, name: UnitName = "a.service"): string[] => {
    const host = hostWith({ [`${lib}/${name}`]: text });
    const file = findUnitFile(host, name);
    return file === null ? [] : linksToEnable(host, name, file).map((path) => path.replace(`${etc}/`, ""));
  };
  const wants = (...targets: string[]): string[] => targets.map((target) => `${target}.wants/a.service`);

  for (const [what, text, links] of [
    ["names that leave the directory", "WantedBy=../../x.target /etc/x.target b.target", wants("b.target")],
    [
      "values over several lines with a comment between",
      "WantedBy=b.target \\\n# c.target \\\n d.target",
      wants("b.target", "d.target"),
    ],
    ["a reset", "WantedBy=b.target\nWantedBy=\nWantedBy=c.target", wants("c.target")],
    ["quotes", `WantedBy="b.target" 'c.target'`, wants("b.target", "c.target")],
    ["CRLF, and blanks around the sign", "  WantedBy = b.target \r", wants("b.target")],
    ["specifiers", "WantedBy=%N-%%.target %p.target %H.target", wants("a.target")],
    ["a second section of the name", "[Unit]\nWantedBy=no.target\n[Install]\nWantedBy=b.target", wants("b.target")],
    ["a value without a section of its own", "[X]\nWantedBy=b.target", []],
    ["a file that ends in a backslash", "WantedBy=b.target\\", []],
    ["keys in another case", "wantedby=b.target", []],
  ] as const) {
    test(`unit: ${what} in a unit file are read as systemd reads them`, () => {
      expect(linksOf(`[Install]\n${text}`)).toEqual([...links]);
    });
  }

  for (const [what, text] of [
    ["a value over many lines", `WantedBy=${"b.target \\\n".repeat(20_000)}`],
    ["a key of many lines", "WantedBy=b.target\n".repeat(20_000)],
  ] as const) {
    test(`unit: the time to read ${what} grows with their number only`, async () => {
      const read = () => expect(linksOf(`[Install]\n${text}`)).toHaveLength(20_000);
      expect(await processorTime(read)).toBeLessThan(10);
    });
  }

  test("unit: no content of a unit file throws, or leads out of systemd's directories", () => {
    const parts = fc.constantFrom(
      "[Install]",
      "WantedBy=",
      "Alias=",
      "a.target",
      "../",
      "\\",
      "\n",
      '"',
      "%i",
      "=",
      "\0",
      "\r",
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(parts, fc.string())), (words) => {
        for (const link of linksOf(words.join(""))) expect(link).not.toContain("..");
      }),
    );
  });
});
