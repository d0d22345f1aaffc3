// The commands of alerts, as a person types them.

import { beforeEach, describe, expect, test } from "bun:test";
import { examine } from "../../src/doctor/doctor.ts";
import { snapshot } from "../../src/engine/snapshot.ts";
import { withoutSecrets } from "../../src/run/without-secrets.ts";
import { Secret } from "../../src/text/secret.ts";
import { watchChecks } from "../../src/watch/checks.ts";
import { whyNoAddress } from "../../src/watch/settings.ts";
import { asked, atTerminal, bootstrap, secretLine, typed } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";
import { type FakeHost, ok } from "../fake-host.ts";

const dir = "/etc/edox-ops/watch";
const settingsPath = "/etc/edox-ops/watch.json";
const hook = "https://hooks.test/services/canary";
let host: FakeHost;
/** What the servers answer, and the bodies that they got. */
let status: number;
let bodies: string[];

beforeEach(async () => {
  host = await bootstrap(fakeDebian());
  host.put("/usr/local/bin/edox-ops", "this one", { mode: 0o755 });
  host.put("/proc/sys/kernel/hostname", "docs-1\n");
  host.put("/srv/key", "canary-key-0123456789\n", { mode: 0o600 });
  status = 204;
  bodies = [];
  host.served.push((_, url, { body = "" }) => {
    if (!url.includes("hooks.test")) return undefined;
    bodies.push(body);
    return { status };
  });
  host.taught.unshift(([name, flag, path = ""]) => {
    if (name !== "rm" || flag !== "-r") return undefined;
    for (const each of Object.keys(host.listing(path)).reverse()) host.remove(each);
    return ok();
  });
});

/** Types a line that must succeed, and returns what it prints. */
async function done(line: string): Promise<string> {
  const { exit, out, err } = await typed(line, host);
  expect([line, exit, err]).toEqual([line, 0, ""]);
  return out;
}

async function problemOf(line: string): Promise<{ exit: number; error: string }> {
  const before = host.listing();
  const { exit, err } = await typed(line, host);
  expect(host.listing()).toEqual(before);
  return { exit, error: err.split("\n")[0] ?? "" };
}

describe("watch enable:", () => {
  test("settings have no secret, and each secret is in a file of root's", async () => {
    await done(`watch enable --webhook ${hook} --webhook-secret-file /srv/key --every 10m --yes`);
    expect(JSON.parse(host.text(settingsPath) ?? "")).toEqual({ every_seconds: 600, webhook_format: "json" });
    expect([host.text(`${dir}/webhook-url`), host.stat(`${dir}/webhook-url`)?.mode]).toEqual([`${hook}\n`, 0o600]);
    expect(host.text(`${dir}/webhook-secret`)).toBe("canary-key-0123456789\n");
    expect(host.stat(dir)?.mode).toBe(0o700);
    const timer = host.text("/etc/systemd/system/edox-ops-watch.timer");
    expect(timer).toContain("\nOnUnitActiveSec=600s\nRandomizedDelaySec=30s\n");
    const service = host.text("/etc/systemd/system/edox-ops-watch.service");
    expect(service).toContain("\nExecStart=/usr/local/bin/edox-ops watch run --quiet\n");
  });

  test("the service may gain the privileges of sendmail only where mail is sent", async () => {
    const path = "/etc/systemd/system/edox-ops-watch.service";
    const settings = () => host.text(path)?.match(/^NoNewPrivileges=.*$/gm);
    await done(`watch enable --webhook ${hook} --yes`);
    expect(settings()).toEqual(["NoNewPrivileges=yes"]);
    host.put("/usr/sbin/sendmail", "", { mode: 0o755 });
    await done("watch enable --mail ops@example.org --yes");
    expect(settings()).toEqual(["NoNewPrivileges=no"]);
  });

  test("a plan, its diff, JSON, the log and a typed line to repeat have no secret", async () => {
    const line = `watch enable --webhook ${hook} --webhook-secret-file /srv/key`;
    for (const flags of ["--dry-run --diff", "--dry-run --diff --json", "--yes", "--yes --json"]) {
      expect(await done(`${line} ${flags}`)).not.toContain("canary");
    }
    expect(host.text("/var/log/edox-ops/watch.log")).not.toContain("canary");
    const words = ["watch", "enable", "--webhook", hook, `--ntfy=${hook}`, "--gitlab", "none", "--heartbeat=none"];
    expect(withoutSecrets(words)).toEqual([
      ...["watch", "enable", "--webhook", "-", "--ntfy=-", "--gitlab", "none", "--heartbeat=none"],
    ]);
    const { err } = await typed(line, host);
    expect(err).toContain("hint: edox-ops watch enable --webhook - --webhook-secret-file /srv/key --yes");
  });

  test("a receiver that no flag names stays, none removes one with its key, and a repetition changes nothing", async () => {
    await done(`watch enable --webhook ${hook} --webhook-secret-file /srv/key --yes`);
    await done("watch enable --heartbeat https://hooks.test/beat --yes");
    expect(host.text(`${dir}/webhook-url`)).toBe(`${hook}\n`);
    const before = host.listing();
    expect(JSON.parse(await done("watch enable --yes --json")).outcome).toBe("ok");
    expect(host.listing(dir)).toEqual(
      Object.fromEntries(Object.entries(before).filter(([path]) => path.startsWith(dir))),
    );
    await done("watch enable --webhook none --yes");
    expect(host.list(dir)).toEqual(["heartbeat-url"]);
    expect((await problemOf("watch enable --heartbeat none --yes")).error).toContain("alerts have no receiver");
  });

  test("a value of - is asked for", async () => {
    asked.length = 0;
    await done("watch enable --mail none --ntfy https://hooks.test/t --ntfy-token-file - --yes");
    expect([asked, host.text(`${dir}/ntfy-token`)]).toEqual([["Access token of ntfy"], `${secretLine}\n`]);
    expect(await problemOf("watch enable --webhook - --ntfy-token-file - --yes")).toEqual({
      exit: 2,
      error: "error: --webhook and --ntfy-token-file cannot both be read from stdin",
    });
  });

  for (const [flags, message] of Object.entries({
    "": "alerts have no receiver: add --webhook, --ntfy, --mail, --gitlab or --heartbeat",
    "--webhook ftp://hooks.test/canary": "invalid value of --webhook: it is not an http or https URL",
    "--webhook https://canary:canary@hooks.test/": "invalid value of --webhook: it contains a user name or a password",
    "--webhook https://canary!/x": "invalid value of --webhook: its host name is invalid",
    "--ntfy canary": "invalid value of --ntfy: it is not an http or https URL",
    "--mail ops": "invalid mail address 'ops' for --mail (for example ops@example.org)",
    "--mail=-oQ/tmp@x": "invalid mail address '-oQ/tmp@x' for --mail (for example ops@example.org)",
    "--mail a@b,c@d": "invalid mail address 'a@b,c@d' for --mail (for example ops@example.org)",
    "--webhook https://hooks.test/ --every 30s": "invalid duration '30s' for --every (1m to 24h)",
    "--webhook https://hooks.test/ --every 25h": "invalid duration '25h' for --every (1m to 24h)",
    "--webhook https://hooks.test/ --every soon": "invalid duration 'soon' for --every (for example 60s, 5m, 2h)",
    "--webhook https://hooks.test/ --webhook-secret-file /none": "--webhook-secret-file /none does not exist",
    "--mail a@b.test --webhook-secret-file /srv/key": "--webhook-secret-file needs --webhook",
    "--mail a@b.test --gitlab-token-file /srv/key": "--gitlab-token-file needs --gitlab",
    "--webhook https://hooks.test/ --webhook-format teams":
      "unknown format 'teams' for --webhook-format: use json or slack",
    "--mail a@b.test --webhook-format slack": "--webhook-format needs --webhook",
    "--webhook https://hooks.test/ --webhook-format slack --webhook-secret-file /srv/key":
      "a webhook of the format slack is not signed: use --webhook-format json, or --webhook without a key",
  })) {
    test(`'${flags}' is refused and changes nothing`, async () => {
      const { exit, error } = await problemOf(`watch enable ${flags} --yes`.replace("  ", " "));
      expect([exit > 0, error]).toEqual([true, `error: ${message}`]);
    });
  }

  test("an empty stdin is named as the fault, and not the syntax of a URL", () => {
    expect(whyNoAddress(new Secret(""))).toBe("it is empty");
  });

  test("mail without sendmail is refused with the package that provides it", async () => {
    const { exit, err } = await typed("watch enable --mail ops@example.org --yes", host);
    expect([exit, err]).toEqual([
      1,
      "error: --mail needs /usr/sbin/sendmail, which is missing\nhint: apt-get install msmtp-mta\n",
    ]);
    expect(host.stat(settingsPath)).toBeNull();
  });
});

describe("watch:", () => {
  test("a check that fails is sent by the second run, and its recovery by the second run after it", async () => {
    await done(`watch enable --webhook ${hook} --yes`);
    // What fails on this host from the beginning is reported first.
    for (let i = 0; i < 2; i++) await done("watch run");
    bodies.length = 0;
    host.put("/run/reboot-required", "");
    expect(await done("watch run")).toBe("No change to report.\n");
    expect(await done("watch run")).toBe(
      "failing: host:reboot: required by a package\nSent to webhook (https://hooks.test).\n",
    );
    for (let i = 0; i < 3; i++) await done("watch run");
    host.remove("/run/reboot-required");
    for (let i = 0; i < 4; i++) await done("watch run");
    const events = bodies.flatMap((body) => JSON.parse(body).events);
    expect(events.map(({ kind, check }) => `${kind} ${check}`)).toEqual([
      "failing host:reboot",
      "recovered host:reboot",
    ]);
  });

  test("a run whose receiver does not accept the alert succeeds with a warning, and status and doctor name it", async () => {
    await done(`watch enable --webhook ${hook} --heartbeat https://hooks.test/beat --yes`);
    status = 500;
    host.put("/run/reboot-required", "");
    await typed("watch run", host);
    const { exit, err } = await typed("watch run", host);
    expect([exit, err]).toEqual([
      0,
      "warning: webhook (https://hooks.test) did not accept the alert: it answers with status 500\n",
    ]);
    const shown = await done("watch status");
    expect(shown).toContain("failing: host:reboot (warning since ");
    expect(shown).toMatch(
      /^webhook: https:\/\/hooks\.test; \d+ queued; last delivered never; it answers with status 500$/m,
    );
    expect(shown).not.toContain("canary");
    const findings = await examine(snapshot(host), [], watchChecks);
    expect(findings.find(({ name }) => name === "watch:delivery")).toMatchObject({
      status: "warning",
      detail: expect.stringMatching(/^webhook has accepted no alert since .* UTC: it answers with status 500$/),
      hint: ["sudo", "edox-ops", "watch", "test"],
    });
  });

  test("a test message goes to every receiver, and one that refuses it makes the command fail", async () => {
    await done(`watch enable --webhook ${hook} --heartbeat https://hooks.test/beat --yes`);
    expect(await done("watch test")).toBe(
      "webhook: accepted (https://hooks.test)\nheartbeat: accepted (https://hooks.test)\n",
    );
    expect(JSON.parse(bodies[0] ?? "")).toMatchObject({ test: true, title: "docs-1: test message", events: [] });
    status = 403;
    const { exit, out } = await typed("watch test --json", host);
    expect([exit, JSON.parse(out)]).toMatchObject([1, { outcome: "failed", alerts: { deliveries: [{}, {}] } }]);
  });

  test("a host without alerts has a hint, and status says so", async () => {
    for (const line of ["watch run", "watch test"]) {
      const { exit, err } = await typed(line, host);
      expect([exit, err]).toEqual([
        1,
        "error: alerts are not enabled on this host\nhint: edox-ops watch enable --help\n",
      ]);
    }
    expect(await done("watch status")).toBe("Alerts are not enabled.\n");
    const { out } = await atTerminal(80, () => typed("watch status", host));
    expect(out).toBe("Alerts are not enabled. → edox-ops watch enable --help\n");
    expect(JSON.parse(await done("watch status --json")).watch).toMatchObject({ enabled: false, receivers: [] });
  });

  test("a terminal shows receivers as a table, also a narrow one", async () => {
    await done(`watch enable --webhook ${hook} --yes`);
    status = 500;
    host.put("/run/reboot-required", "");
    for (let i = 0; i < 2; i++) await typed("watch run", host);
    for (const columns of [80, 40]) {
      const { out } = await atTerminal(columns, () => typed("watch status", host));
      expect(out.replace(/\d+ events? queued/, "N events queued")).toMatchSnapshot(`${columns} columns`);
    }
  });

  test("disable and uninstall remove everything of alerts", async () => {
    for (const line of ["watch disable --yes", "uninstall --yes"]) {
      await done(`watch enable --webhook ${hook} --yes`);
      await done("watch run");
      await done(line);
      const left = Object.keys(host.listing()).filter((path) => /watch/.test(path) && !path.endsWith(".log"));
      expect([line, left]).toEqual([line, []]);
      host.put("/usr/local/bin/edox-ops", "this one", { mode: 0o755 });
    }
  });

  test("uninstall: the timer of alerts is removed although their state was deleted", async () => {
    await done(`watch enable --webhook ${hook} --yes`);
    for (const path of Object.keys(host.listing()).filter((each) => /lib.edox-ops.watch/.test(each))) host.remove(path);
    await done("uninstall --yes");
    const left = Object.keys(host.listing()).filter((path) => /watch/.test(path) && !path.endsWith(".log"));
    expect(left).toEqual([]);
  });

  test("doctor does not report a receiver that was removed since the last run", async () => {
    status = 500;
    await done(`watch enable --webhook ${hook} --heartbeat https://hooks.test/beat --mail none --yes`);
    await typed("watch run", host);
    await typed("watch run", host);
    const delivery = async () => (await examine(snapshot(host), [], watchChecks)).at(-1);
    expect(await delivery()).toMatchObject({ name: "watch:delivery", status: "warning" });
    await done("watch enable --webhook none --ntfy https://elsewhere.test/t --yes");
    expect(await delivery()).toMatchObject({ status: "warning", detail: expect.stringContaining("heartbeat") });
    await done("watch enable --heartbeat none --yes");
    expect(await delivery()).toMatchObject({ status: "ok" });
  });

  test("doctor checks the timer and the age of the last look", async () => {
    await done(`watch enable --webhook ${hook} --yes`);
    const statuses = async () => {
      const findings = await examine(snapshot(host), [], watchChecks);
      return findings.map(({ name, status, hint = [] }) => [name, status, hint.join(" ")].join(" ").trim());
    };
    expect(await statuses()).toEqual(["watch:timer ok", "watch:looks ok", "watch:delivery ok"]);
    await done("watch run");
    await host.sleep(3_600_000);
    expect((await statuses())[1]).toBe("watch:looks error systemctl status edox-ops-watch.service");
    host.put("/proc/uptime", "60.0 100.0\n");
    expect((await statuses())[1]).toBe("watch:looks ok");
    // The clock was ahead at the last look, and was set right.
    host.remove("/proc/uptime");
    const path = "/var/lib/edox-ops/watch/state.json";
    const ahead = new Date(host.now() + 365 * 86_400_000).toISOString();
    host.put(path, JSON.stringify({ ...JSON.parse(host.text(path) ?? ""), last_look: ahead }));
    expect((await statuses())[1]).toBe("watch:looks error systemctl status edox-ops-watch.service");
    host.remove("/etc/systemd/system/edox-ops-watch.timer");
    expect((await statuses())[0]).toBe("watch:timer error sudo edox-ops watch enable --yes");
    await done("watch enable --yes");
    host.remove("/usr/local/bin/edox-ops");
    expect((await statuses())[0]).toBe("watch:timer error sudo edox-ops watch enable --yes");
    host.put(settingsPath, '{"every_seconds":1}');
    expect((await statuses())[0]).toBe(`watch:timer error sudo cat -n ${settingsPath}`);
  });
});
