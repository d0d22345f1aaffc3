// An armed step on a real host: interrupted, it is rolled back by systemd, and the service gets its old file back.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import type { Disk } from "./disk.ts";
import { chance, figure, rounds, soak } from "./rounds.ts";
import { TestHost } from "./test-host.ts";

const service = "/etc/systemd/system/edox-ops-recover.service";
const unit = `[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/cp /etc/guarded.conf /run/guarded.active
[Install]
WantedBy=multi-user.target
`;
const dir = mkdtempSync(`${tmpdir()}/edox-undo-`);
let host: TestHost;

const ran = (line: string): number => host.sh(line).code;
const printed = (line: string): string => host.sh(line).stdout.trim();
/** The content that the service read when it started. */
const active = (): string => printed("cat /run/guarded.active");
const isArmed = (): boolean =>
  ran("systemctl is-enabled -q edox-ops-recover && systemctl is-active -q edox-ops-recover.timer") === 0;

async function until(condition: () => boolean, limitMs: number): Promise<number> {
  const start = performance.now();
  while (!condition()) {
    if (performance.now() - start > limitMs) throw new Error(`not within ${limitMs} ms: ${condition}`);
    await Bun.sleep(50);
  }
  return performance.now() - start;
}

/** Expects that nothing of a rollback is left, in files and in systemd. */
function expectDisarmed(): void {
  expect(printed("ls /var/lib/edox-ops/journal; ls /etc/systemd/system /run/systemd/system | grep edox-ops")).toBe("");
  expect(printed("ls /run/edox-ops")).toBe("host.lock");
  expect(printed("systemctl list-units --all --no-legend 'edox-ops*'; systemctl --failed --no-legend")).toBe("");
  expect(printed("find /etc/systemd/system -lname '*edox-ops*'")).toBe("");
}

interface Run {
  ended: Promise<{ code: number; out: string; err: string }>;
  signal(name: string): void;
}

/** Starts the run, in a login session of this number if there is one. Returns when it has made its change. */
async function start(words: string, session?: number): Promise<Run> {
  // The tests start it more often than five times in ten seconds, which systemd refuses by default.
  host.sh(
    "echo old >/etc/guarded.conf; systemctl reset-failed guarded; systemctl restart guarded; rm -f /run/guarded.window",
  );
  await until(() => active() === "old", 5000);
  const line = `/usr/local/bin/bun /usr/local/bin/armed-run.js ${words}`.split(" ");
  const name = session === undefined ? "guarded-run.service" : `session-${session}.scope`;
  const kind = session === undefined ? ["--pipe", "--wait"] : ["--scope"];
  const argv = [
    "systemd-run",
    "--quiet",
    "--collect",
    ...kind,
    `--unit=${name}`,
    "-E",
    "PATH=/usr/sbin:/usr/bin",
    "--",
  ];
  const child = Bun.spawn(host.entering([...argv, ...line]), { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const ended = Promise.all([child.exited, child.stdout.text(), child.stderr.text()]);
  const isRunning = () => ran("test -e /run/guarded.window") === 0 || child.exitCode !== null;
  await until(isRunning, 10_000);
  return {
    ended: ended.then(([code, out, err]) => ({ code, out, err })),
    signal: (signal) => void host.run(["systemctl", "kill", `--signal=${signal}`, name]),
  };
}

/** Types a command in a login session of this number, in which nothing else runs. */
const inSession = (number: number, ...words: string[]) =>
  host.raw(["systemd-run", "--quiet", "--collect", "--scope", `--unit=session-${number}`, "--", "edox-ops", ...words]);

async function up(disk?: Disk): Promise<void> {
  host = await TestHost.bare("bookworm", disk);
  host.put(process.execPath, "/usr/local/bin/bun");
  host.put(`${dir}/armed-run.js`, "/usr/local/bin/armed-run.js");
  await Bun.write(`${host.root}/etc/systemd/system/guarded.service`, unit);
  host.sh("echo old >/etc/guarded.conf; systemctl daemon-reload; systemctl enable --now guarded");
}

beforeAll(async () => {
  const entrypoints = [`${import.meta.dir}/armed-run.ts`];
  const built = await Bun.build({ entrypoints, outdir: dir, target: "bun", define: { EDOX_OPS_VERSION: '"0"' } });
  expect(built.success).toBe(true);
});
afterAll(() => rmSync(dir, { recursive: true }));

describe("armed step", () => {
  beforeAll(() => up());
  afterAll(() => host?.down());

  test("armed step: a successful run leaves no unit, and a failed one is rolled back within 5 s", async () => {
    const done = await start("600000 hold 4000");
    expect(isArmed()).toBe(true);
    expect(await done.ended).toMatchObject({ code: 0, err: "" });
    expect(active()).toBe("new");
    expectDisarmed();

    const failed = await start("600000 fail");
    const begun = performance.now();
    const { code, err } = await failed.ended;
    expect(performance.now() - begun).toBeLessThan(5000);
    expect([code, active()]).toEqual([1, "old"]);
    expect(err).toContain("nobody gets in; the previous files were restored");
    expectDisarmed();
  });

  test("armed step: a service that was started too often gets its old file back too", async () => {
    // The service is started once before the run, by the run, and by its rollback.
    await Bun.write(`${host.root}/etc/systemd/system/guarded.service.d/limit.conf`, "[Unit]\nStartLimitBurst=2\n");
    host.sh("systemctl daemon-reload");
    const { code, err } = await (await start("600000 fail")).ended;
    host.sh("rm -r /etc/systemd/system/guarded.service.d; systemctl daemon-reload");
    expect([code, active()]).toEqual([1, "old"]);
    expect(err).not.toContain("fails");
    expectDisarmed();
  });

  test("armed step: killed, its timer rolls it back at the deadline, by the program that is there by then", async () => {
    const run = await start("3000 hold 60000");
    const begun = performance.now();
    run.signal("KILL");
    await run.ended;
    expect(active()).toBe("new");
    const finding = printed("edox-ops doctor --json --all | grep -A2 host:journal");
    expect(finding).toMatch(/by the next run, or by systemd at \d{4}-/);
    expect(
      ran("cp /usr/local/bin/edox-ops /usr/local/bin/next && mv /usr/local/bin/next /usr/local/bin/edox-ops"),
    ).toBe(0);
    await until(() => ran(`test -e ${service}`) !== 0 && active() === "old", 8000);
    figure("killed in an armed step", "bookworm", (performance.now() - begun) / 1000, "rolled back by its timer");
    expect(printed("cat /var/log/edox-ops/recover.log")).toContain("STEP guarded.change SUCCESS");
    await until(() => printed("systemctl list-units --all --no-legend 'edox-ops*'") === "", 3000);
    expectDisarmed();
  });

  test("armed step: the lock of a stopped run is waited for, and the next run removes a unit that was left", async () => {
    const run = await start("1000 hold 120000");
    run.signal("STOP");
    await until(() => printed("systemctl show -P ActiveState edox-ops-recover") === "activating", 5000);
    // A held lock ends the service after 30 seconds, and it starts again.
    if (soak) await until(() => Number(printed("systemctl show -P NRestarts edox-ops-recover")) > 0, 60_000);
    expect(active()).toBe("new");
    run.signal("KILL");
    await until(() => active() === "old" && ran(`test -e ${service}`) !== 0, 15_000);
    await run.ended;
    await until(() => printed("systemctl list-units --all --no-legend 'edox-ops*'") === "", 3000);
    expectDisarmed();

    const left = await start("600000 hold 60000");
    left.signal("KILL");
    await left.ended;
    host.sh("rm /var/lib/edox-ops/journal/*");
    expect(isArmed()).toBe(true);
    expect(host.run(["edox-ops", "host", "logrotate", "--yes", "--skip", "host.logrotate.install"]).code).toBe(0);
    expectDisarmed();
  });

  test("armed step: where it cannot be armed, nothing is changed", async () => {
    for (const mount of [
      "mount --bind /etc/systemd/system /etc/systemd/system && mount -o remount,ro,bind",
      "mount -t tmpfs -o size=4k,nr_inodes=1 none",
    ]) {
      host.raw(["sh", "-c", `${mount} /etc/systemd/system`]);
      const { code, err } = await (await start("600000 hold 0")).ended;
      host.raw(["umount", "/etc/systemd/system"]);
      expect([code, active(), printed("cat /etc/guarded.conf")]).toEqual([1, "old", "old"]);
      expect(err).toMatch(/read-only|no space left/);
      expectDisarmed();
    }
    host.sh("chmod 0777 /usr/local/bin/edox-ops");
    const { code, err } = await (await start("600000 hold 0")).ended;
    host.sh("chmod 0755 /usr/local/bin/edox-ops");
    expect([code, active()]).toEqual([1, "old"]);
    expect(err).toContain("root does not run it");
    expectDisarmed();
  });

  test("host confirm: keeps a change from a new login, and no other command runs meanwhile", async () => {
    const run = await start("600000 confirm 60000", 5);
    await until(() => ran("test -e /run/edox-ops/unconfirmed.json") === 0, 5000);
    const group = printed("cut -d: -f3 /proc/$(pgrep -f ^/usr/local/bin/bun)/cgroup | grep session-5 | head -n1");
    const join = `for all in $(find /sys/fs/cgroup -path '*${group}/cgroup.procs'); do echo $$ >$all; done`;
    const same = host.raw(["bash", "-c", `${join}; exec edox-ops host confirm`]);
    expect([same.code, same.stderr.includes("this login made the change")]).toEqual([1, true]);
    const other = host.run(["edox-ops", "bootstrap", "--yes"]);
    expect([other.code, other.stderr.includes("it waits for a confirmation until ")]).toEqual([75, true]);
    expect(inSession(6, "host", "confirm")).toMatchObject({ code: 0, stdout: "The change is kept.\n" });
    expect((await run.ended).code).toBe(0);
    expect(active()).toBe("new");
    expectDisarmed();
  });

  test("host confirm: without it the change is rolled back at the deadline, and by a hang-up at once", async () => {
    const run = await start("600000 confirm 2000");
    const { code, err } = await run.ended;
    expect([code, active()]).toEqual([1, "old"]);
    expect(err).toContain("no new login confirmed the change within 2.0 s; the previous files were restored");
    expectDisarmed();

    const dropped = await start("600000 confirm 60000", 5);
    await until(() => ran("test -e /run/edox-ops/unconfirmed.json") === 0, 5000);
    dropped.signal("HUP");
    expect([(await dropped.ended).code, active()]).toEqual([129, "old"]);
    expectDisarmed();
  });

  test("host confirm: keeps the change of a run that was killed, which no other command rolls back", async () => {
    const run = await start("600000 confirm 60000", 5);
    await until(() => ran("test -e /run/edox-ops/unconfirmed.json") === 0, 5000);
    run.signal("KILL");
    await run.ended;
    const other = host.run(["edox-ops", "bootstrap", "--yes"]);
    expect([other.code, other.stderr.includes("a change waits for a confirmation until ")]).toEqual([75, true]);
    expect(inSession(6, "host", "confirm")).toMatchObject({ code: 0, stdout: "The change is kept.\n" });
    expect(active()).toBe("new");
    expectDisarmed();
  });
});

describe("armed step: power cut", () => {
  afterEach(() => host?.down());

  for (const round of rounds(1, 10)) {
    test(`armed step: after a power cut it is rolled back, and the service has its old file, ${round}`, async () => {
      await up({ commitSeconds: 1 });
      host.sync();
      await start("600000 hold 600000");
      const moment = 2 * chance("armed", round);
      await Bun.sleep(moment * 1000);
      await host.powerCut();
      await until(() => active() === "old" && ran(`test -e ${service}`) !== 0, 30_000);
      expect(printed("cat /etc/guarded.conf")).toBe("old");
      await until(() => printed("systemctl list-units --all --no-legend 'edox-ops*'") === "", 3000);
      expectDisarmed();
      figure("power cut in an armed step", "bookworm", moment, "rolled back after the boot");
    });
  }
});
