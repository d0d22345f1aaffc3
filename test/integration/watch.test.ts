// Alerts of a real host: its timer, a web server, a stand-in of ntfy, and OpenSMTPD. The fast tests in test/watch have
// the hours and the clocks.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { AlertServer, eventsOf } from "./alert-server.ts";
import { suites } from "./base.ts";
import { bootstrapped } from "./bootstrapped.ts";
import { soak } from "./rounds.ts";
import type { TestHost } from "./test-host.ts";

const key = "canary-key-0123456789";
/** Has the settings with which the timer does not look among the looks of the tests. */
const lateTimer = "/etc/systemd/system/edox-ops-watch.timer.d";
const mails = "/home/ops/Maildir/new";

for (const suite of soak ? suites : (["bookworm"] as const)) {
  describe(`alerts on ${suite}`, () => {
    let host: TestHost;
    let server: AlertServer;
    beforeAll(async () => {
      host = await bootstrapped(suite);
      server = new AlertServer(host.gateway);
      await server.start();
    });
    afterAll(() => {
      server?.[Symbol.dispose]();
      host?.down();
    });

    /** Lets the timer's service look this many times. */
    const look = (times: number): void => {
      const { code, stderr } = host.sh(
        `for i in $(seq ${times}); do systemctl reset-failed edox-ops-watch; systemctl start edox-ops-watch || exit 1; done`,
      );
      expect([code, stderr]).toEqual([0, ""]);
    };
    const mailed = (): string => host.sh(`cat ${mails}/* 2>/dev/null; rm -f ${mails}/*`).stdout;
    const waitFor = async (isDone: () => boolean): Promise<void> => {
      for (const end = Date.now() + 15_000; !isDone(); await Bun.sleep(100))
        if (Date.now() > end) throw new Error("timeout");
    };

    test("watch enable: a host without a mail server names the package, and with one every receiver accepts a message", async () => {
      host.sh("useradd -m ops");
      const refused = host.sh("edox-ops watch enable --mail ops@localhost --yes");
      expect(refused.stderr).toContain("hint: apt-get install msmtp-mta");
      host.sh(
        "apt-get update -q; DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends opensmtpd",
      );
      const url = (name: string): string => `http://gateway:${server.port}/${name}`;
      // The unit in which a test runs a command has the whole command in the journal.
      const secrets = { url: url("hook/canary-path"), key, token: "canary-token-0123456789" };
      for (const [name, text] of Object.entries(secrets)) writeFileSync(`${host.root}/root/${name}`, `${text}\n`);
      const enabled = host.sh(`edox-ops watch enable --webhook - --webhook-secret-file /root/key </root/url \\
          --mail ops@localhost --ntfy ${url("ntfy/topic")} --ntfy-token-file /root/token --heartbeat ${url("beat/1")} \\
          --every 1m --yes
        rm /root/url /root/key /root/token
        mkdir ${lateTimer}; printf '[Timer]\\nOnActiveSec=\\nOnActiveSec=1d\\n' >${lateTimer}/late.conf
        systemctl daemon-reload; systemctl restart edox-ops-watch.timer`);
      expect([enabled.code, enabled.stderr]).toEqual([0, ""]);
      expect(host.sh("edox-ops watch test").code).toBe(0);
      await waitFor(() => host.sh(`cat ${mails}/*`).stdout.includes("can send alerts here."));
      expect(["hook", "ntfy", "beat"].map((name) => server.take(name).length)).toEqual([1, 1, 1]);
      expect(mailed()).toMatch(/^Subject: eo-\d+: test message$/m);
    });

    test("the sandbox of the service finds what a plain doctor finds", () => {
      // The soak compares the checks of everything that can be set up on such a host.
      if (soak) {
        for (const each of ["certs setup-auto-renew", "host harden", "host logrotate", "host firewall"]) {
          const { code, stderr } = host.sh(`edox-ops ${each} --yes`);
          expect([each, code, stderr]).toEqual([each, 0, expect.any(String)]);
        }
      }
      const dropIn = "/etc/systemd/system/edox-ops-watch.service.d";
      const [inside, outside] = host
        .sh(`mkdir ${dropIn}
          printf "[Service]\\nExecStart=\\nExecStart=/bin/sh -c 'edox-ops doctor --json >/run/inside'\\n" >${dropIn}/doctor.conf
          systemctl daemon-reload; systemctl start edox-ops-watch
          rm -r ${dropIn}; systemctl daemon-reload; cat /run/inside; echo ----; edox-ops doctor --json`)
        .stdout.split("----\n")
        .map((text) => JSON.parse(text.replace(/[\d.]+ (GiB|MiB) free/g, "free")));
      expect(inside.findings.length).toBeGreaterThan(20);
      expect(inside).toEqual(outside);
    });

    test("a failing check and its recovery reach each receiver once, within two looks", async () => {
      look(2);
      expect(eventsOf(server.take("hook"), key)).toEqual([]);
      host.sh("systemctl stop nginx");
      look(1);
      expect(server.take("hook")).toEqual([]);
      look(4);
      const sent = server.take("hook");
      expect(eventsOf(sent, key)).toEqual(["failing nginx:active"]);
      expect(server.take("ntfy").map(({ headers }) => [headers.priority, headers.authorization])).toEqual([
        ["high", "Bearer canary-token-0123456789"],
      ]);
      await waitFor(() => host.sh(`ls ${mails}`).stdout !== "");
      expect(mailed().match(/^\[error\] .*/gm)).toEqual(["[error] nginx:active: nginx is not active"]);
      host.sh("systemctl start nginx");
      look(4);
      expect(eventsOf(server.take("hook"), key)).toEqual(["recovered nginx:active"]);
      expect(server.take("ntfy").map(({ headers }) => headers.title)).toEqual([
        expect.stringMatching(/: 1 check recovered$/),
      ]);
      await waitFor(() => host.sh(`ls ${mails}`).stdout !== "");
      expect(mailed().match(/^\[OK\] nginx:active/gm)).toHaveLength(1);
      expect(server.take("beat")).toHaveLength(11);
    });

    test("what a receiver that is down did not get arrives once after a reboot, and the timer is active again", async () => {
      await server.stop();
      host.sh("systemctl mask --now nginx");
      look(3);
      host.sh("systemctl unmask nginx");
      await host.reboot();
      look(2);
      await server.start();
      // The next attempt is a few minutes away, which are as many looks.
      look(8);
      const messages = server.take("hook");
      expect(eventsOf(messages, key)).toEqual(["failing nginx:active", "recovered nginx:active"]);
      expect(JSON.parse(messages[0]?.body ?? "").delayed.attempts).toBeGreaterThan(1);
      expect(server.take("ntfy")).toHaveLength(1);
      expect(host.sh("systemctl is-active edox-ops-watch.timer").stdout).toBe("active\n");
      expect(server.take("beat").length).toBeGreaterThan(0);
    });

    test("a full disk does not keep an alert from being sent once", () => {
      const dir = "/var/lib/edox-ops/watch";
      host.sh(`mount -t tmpfs -o size=16k,mode=0700 none ${dir}; cat /dev/zero >${dir}/filler; systemctl stop nginx`);
      server.take("hook");
      look(4);
      expect(eventsOf(server.take("hook"), key).filter((event) => event === "failing nginx:active")).toHaveLength(1);
      expect(host.sh("edox-ops watch status").stdout).toContain("failing: nginx:active");
      host.sh(`umount ${dir}; systemctl start nginx`);
    });

    test("200 checks that fail at once are one message", async () => {
      mailed();
      host.sh("systemctl start nginx");
      look(2);
      for (const name of ["hook", "ntfy"]) server.take(name);
      host.sh(`edox-ops project add s0 --domain s0.test; edox-ops project init s0; edox-ops project enable s0
        perl -MJSON::PP -0777 -i -pe '$r = decode_json($_); for $i (1..199) { $r->{"s$i"} = { %{$r->{s0}}, slug => "s$i", domain => "s$i.test" } } $_ = encode_json($r)' /etc/edox-ops/projects.json`);
      look(2);
      const messages = server.take("hook");
      expect(messages).toHaveLength(1);
      expect(eventsOf(messages, key).length).toBeGreaterThanOrEqual(199);
      expect(server.take("ntfy")).toHaveLength(1);
      await waitFor(() => host.sh(`ls ${mails}`).stdout !== "");
      expect(host.sh(`ls ${mails} | wc -l`).stdout).toBe("1\n");
    });

    test("the report has what failed", () => {
      host.sh("edox-ops watch report /root/report.html");
      expect(host.sh("cat /root/report.html").stdout).toContain("<h2>Free disk space</h2>");
    });

    test("no secret is in the journal, a unit, a log, the state or the arguments of a process", () => {
      // /proc is read for as long as the service and the commands run.
      const found = host.sh(`touch /run/reading
        (while [ -e /run/reading ]; do cat /proc/[0-9]*/cmdline; done) 2>/dev/null >/run/arguments &
        systemctl start edox-ops-watch; edox-ops watch test; edox-ops watch status; edox-ops doctor; rm /run/reading; wait
        journalctl --sync; journalctl --no-pager; systemctl cat edox-ops-watch.service edox-ops-watch.timer; systemctl show edox-ops-watch
        cat /var/lib/edox-ops/watch/* /etc/edox-ops/watch.json; cat /var/log/edox-ops/*
        tr -d '\\0' </run/arguments`).stdout;
      expect(["watchrun", "watchtest"].filter((each) => !found.includes(each))).toEqual([]);
      expect(found.split("\n").filter((line) => line.includes("canary"))).toEqual([]);
    });

    if (soak) {
      test("the timer itself looks twice, a minute apart", async () => {
        server.take("beat");
        host.sh(`rm -r ${lateTimer}; systemctl daemon-reload; systemctl restart edox-ops-watch.timer`);
        await Bun.sleep(150_000);
        expect(server.take("beat").length).toBeGreaterThanOrEqual(2);
      });
    }

    test("watch disable removes what was set up, and systemd forgets a service that has failed", () => {
      const dropIn = "/run/systemd/system/edox-ops-watch.service.d";
      const { stdout } = host.sh(`rm -rf ${lateTimer}; mkdir ${dropIn}
        printf '[Service]\\nExecStart=\\nExecStart=false\\n' >${dropIn}/fails.conf; systemctl daemon-reload
        systemctl start edox-ops-watch; systemctl is-failed edox-ops-watch; rm -r ${dropIn}`);
      expect(stdout).toBe("failed\n");
      expect(host.sh("edox-ops watch disable --yes").code).toBe(0);
      expect(host.sh("systemctl list-units --all 'edox-ops-watch*' --no-legend").stdout).toBe("");
      expect(
        host.sh("ls -d /etc/edox-ops/watch* /var/lib/edox-ops/watch /etc/systemd/system/edox-ops-watch*").stdout,
      ).toBe("");
    });
  });
}
