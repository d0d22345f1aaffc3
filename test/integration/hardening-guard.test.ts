// Guarded steps on real hosts: changes that lock out are rolled back, and nothing of a proof is left in any case.

import { beforeAll, describe, expect, test } from "bun:test";
import { type Change, Text } from "../../src/engine/change.ts";
import { suites } from "./base.ts";
import { aroundEach, ProofHost } from "./proof-host.ts";
import { chance, figure, rounds, soak } from "./rounds.ts";

const dropIn = "/etc/ssh/sshd_config.d/test.conf";
const reload = "systemctl reload ssh";

/** Returns the changes that write settings of sshd, and have it read them. */
function settings(text: string): Change[] {
  const file = { path: dropIn, before: null, after: Text.of(text), mode: 0o644, uid: 0, gid: 0 };
  return [
    { kind: "file", ...file },
    { kind: "command", argv: reload.split(" "), reason: "sshd has its old settings", again: true },
  ];
}

for (const suite of soak ? suites : (["trixie"] as const)) {
  describe(`guard on ${suite}`, () => {
    let on: ProofHost;

    beforeAll(async () => {
      on = await ProofHost.up(suite);
    });
    aroundEach(() => on);

    test("guard: a change that lets everybody in is kept, and one that locks out is rolled back at once", () => {
      expect(on.guard({ changes: settings("MaxAuthTries 4\n") })).toMatchObject({ outcome: "changed" });
      expect(on.must(`cat ${dropIn}`)).toBe("MaxAuthTries 4\n");
      for (const text of ["AllowUsers nobody", "PubkeyAuthentication no", "PubkeyAcceptedAlgorithms ssh-rsa"]) {
        const { outcome, code, message, restoredMs } = on.guard({ changes: settings(`${text}\n`) });
        expect([text, outcome, code]).toEqual([text, "failed", "verify-failed"]);
        expect(message).toMatch(/a login from outside is no longer possible: admin: .*; the (changes|previous files)/);
        expect(on.logsIn()).toBe(true);
        expect(restoredMs).toBeLessThan(5000);
        figure("failed proof until the former state of sshd", suite, 0, `${restoredMs?.toFixed(0)} ms`);
      }
    }, 60_000);

    test("guard: a firewall that is enabled without a rule for sshd is disabled again", () => {
      const enable: Change = {
        kind: "command",
        argv: ["ufw", "--force", "enable"],
        undo: ["ufw", "--force", "disable"],
        reason: "ufw is inactive",
      };
      const allow: Change = { kind: "command", argv: ["ufw", "allow", "22/tcp"], reason: "port 22 is closed" };
      const { outcome, message, restoredMs } = on.guard({ changes: [enable] });
      expect([outcome, message]).toEqual(["failed", expect.stringMatching(/timed out; the changes were rolled back$/)]);
      expect(restoredMs).toBeLessThan(5000);
      figure("failed proof until the former state of ufw", suite, 0, `${restoredMs?.toFixed(0)} ms`);
      expect([on.must("ufw status"), on.logsIn()]).toEqual(["Status: inactive\n", true]);
      expect(on.guard({ changes: [allow, enable] })).toMatchObject({ outcome: "changed" });
      expect([on.must("ufw status | head -1"), on.logsIn()]).toEqual(["Status: active\n", true]);
      on.must("ufw --force reset");
    }, 60_000);

    test("guard: a port that answered must still answer", () => {
      on.must("systemd-run --quiet --unit=web bun -e 'Bun.serve({ port: 80, fetch: () => new Response() })'");
      on.must("for i in $(seq 100); do ss -ltnH sport = :80 | grep -q . && break; sleep 0.1; done");
      const stop: Change = { kind: "command", argv: ["systemctl", "stop", "web"], reason: "web is active" };
      expect(on.guard({ changes: [stop] })).toMatchObject({
        code: "verify-failed",
        message: expect.stringContaining(`${on.host.address}:80 no longer answers from outside`),
      });
    });

    test("guard: nothing changes if nobody who can become root could log in before or after it", () => {
      on.addUser("plain");
      on.rememberKeys();
      const changes = settings("MaxAuthTries 4\n");
      expect(on.guard({ changes, mayLose: ["admin"] })).toMatchObject({
        code: "precondition-failed",
        message: "only admin can log in and become root, and this change disables that login",
        hint: ["sudo", "edox-ops", "host", "admin", "NAME", "--key", "FILE"],
      });
      on.must("mv /home/admin/.ssh /home/admin/away");
      expect(on.onConsole<object>("guard", JSON.stringify({ changes }))).toMatchObject({
        code: "precondition-failed",
        message: "no user who can become root logs in with a key",
      });
      on.must("mv /home/admin/away /home/admin/.ssh");
      expect(on.host.raw(["ls", dropIn]).code).not.toBe(0);
    });

    test("guard: a user without root who breaks the own login meanwhile undoes no change, and leads root nowhere", () => {
      on.addUser("mallory");
      on.must(`install -d -m 700 /root/.ssh; echo 'root of ${suite}' >/root/.ssh/authorized_keys`);
      on.must("cp -a /home/mallory /var/tmp/mallory");
      on.rememberKeys();
      const dir = "/home/mallory/.ssh";
      const keys = `${dir}/authorized_keys`;
      const forever = (script: string): string => `setsid sh -c 'while :; do ${script}; done' >/dev/null 2>&1 &`;
      const attacks: Record<string, string> = {
        "a start-up file of the shell ends it": "echo exit 3 >/home/mallory/.bashrc",
        "the line is removed": forever(`sed -i /edox-ops-probe/d ${keys}`),
        "the keys are gone": `mv ${keys} ${dir}/away`,
        "others may change the home": forever("chmod 777 /home/mallory"),
        "the session is killed": forever("pkill -KILL -u mallory sshd; sleep 0.01"),
        "links are exchanged for the directory": forever(
          `mv ${dir} /home/mallory/s; ln -s /root/.ssh ${dir}; sleep 0.005; rm ${dir}; mv /home/mallory/s ${dir}`,
        ),
      };
      const some = soak ? Object.entries(attacks) : Object.entries(attacks).slice(0, 2);
      for (const [what, script] of some) {
        const argv = ["runuser", "-u", "mallory", "--", "sh", "-c", script];
        const change: Change = { kind: "command", argv, reason: what };
        const { outcome, notes, message } = on.guard({ changes: [change] });
        on.host.raw(["pkill", "-KILL", "-u", "mallory"]);
        expect([what, outcome, message]).toEqual([what, "changed", undefined]);
        expect(notes?.find((each) => each.startsWith("proven: admin "))).toBeDefined();
        // What is exchanged all the time may be right at the moment of the login.
        const isReported = notes?.some((each) => each.startsWith("not proven: mallory: "));
        if (!what.startsWith("links")) expect([what, isReported]).toEqual([what, true]);
        on.must("rm -rf /home/mallory; cp -a /var/tmp/mallory /home/mallory");
        expect([what, on.keys()]).toEqual([what, on.remembered]);
      }
      on.must("rm -rf /var/tmp/mallory");
    }, 120_000);

    test("guard: a new admin is proven by a login, and is undone with the reason if sudo does not let it become root", () => {
      on.addUser("fresh");
      on.rememberKeys();
      const rule = (text: string): Change => {
        const file = { path: "/etc/sudoers.d/fresh", before: null, after: Text.of(text), mode: 0o440, uid: 0, gid: 0 };
        return { kind: "file", ...file };
      };
      expect(on.guard({ admin: "fresh", changes: [rule("fresh ALL=(ALL) ALL\n")] })).toMatchObject({
        code: "verify-failed",
        message:
          "fresh cannot log in from outside and become root: fresh: cannot become root; the previous files were restored",
      });
      expect(on.guard({ admin: "fresh", changes: [rule("fresh ALL=(ALL) NOPASSWD: ALL\n")] })).toMatchObject({
        outcome: "changed",
      });
      on.must("rm /etc/sudoers.d/fresh");
    });

    for (const round of rounds(1, 40)) {
      test(`guard: killed at a random moment, a recovery removes all that the proof had made, ${round}`, async () => {
        const guard = JSON.stringify({ changes: settings("MaxAuthTries 5\n") });
        on.start("victim", "guard", guard);
        await Bun.sleep(200 + 1800 * chance("guard killed", suite, round));
        on.must(
          "systemctl kill --signal=KILL victim; systemctl stop victim 2>/dev/null; systemctl reset-failed victim 2>/dev/null; true",
        );
        // The namespace has no name, so that it ends with the process.
        expect(
          on.must("for i in $(seq 50); do ip link show edox-probe || break; sleep 0.1; done 2>&1 | tail -1"),
        ).not.toContain("link/ether");
        expect(on.onConsole<object[]>("recover")).not.toContainEqual(expect.objectContaining({ outcome: "failed" }));
        expect(on.logsIn()).toBe(true);
      });
    }

    test("guard: a proven change waits for its confirmation, and reports what was proven", async () => {
      on.start("waiting", "guard", JSON.stringify({ changes: settings("MaxAuthTries 3\n"), confirmWithinMs: 120_000 }));
      on.must("for i in $(seq 300); do test -e /run/edox-ops/unconfirmed.json && break; sleep 0.1; done");
      expect(on.must("systemctl is-active waiting; ls /run/edox-ops")).toMatch(/^active\n(.*\n)*unconfirmed.json\n/);
      on.must(
        "touch /run/edox-ops/confirmed; for i in $(seq 300); do systemctl -q is-active waiting || break; sleep 0.1; done",
      );
      const result = JSON.parse(on.must("journalctl --sync; journalctl -q -o cat -u waiting | grep outcome"));
      expect(result).toMatchObject({
        outcome: "changed",
        notes: [expect.stringMatching(/^proven: admin logs in at .*:22 from 198\.18\.\d+\.2, and becomes root$/)],
      });
      expect(on.must(`cat ${dropIn}`)).toBe("MaxAuthTries 3\n");
    });

    test("guard: without namespaces logins are proven over loopback, and only with a confirmation", () => {
      const changes = settings("MaxAuthTries 4\n");
      const bare = ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin", "--"];
      expect(on.onConsoleAs<object>(bare, "prove")).toMatchObject({
        isOutside: false,
        logins: [{ user: { name: "admin", becomesRoot: "sudo" }, source: expect.stringMatching(/^127\./) }],
      });
      expect(on.onConsoleAs<object>(bare, "guard", JSON.stringify({ changes }))).toMatchObject({
        code: "precondition-failed",
        message: expect.stringContaining("pass --confirm-within 10m"),
      });
    });

    test("proof: five users who fail ban nobody, and no address fails twice", () => {
      for (let i = 1; i <= 5; i++) on.addUser(`bad${i}`);
      on.must(`echo AllowUsers admin >${dropIn}; systemctl restart ssh`);
      on.rememberKeys();
      on.must("journalctl --rotate --vacuum-time=1s -q 2>/dev/null");
      const proof = on.prove();
      expect([on.names(proof), proof.reasons.length]).toEqual([["admin"], 5]);
      expect(on.logsIn()).toBe(true);
      // By name, because journald may not learn the unit of a process that ends at once.
      const log = "journalctl --sync; journalctl -q -b -o cat -t sshd -t sshd-session";
      const lines = on.must(`${log} | grep -E 'not allowed because|Failed' || true`);
      const failing = [...lines.matchAll(/from (\S+)/g)].map(([, address]) => address);
      expect(failing.length).toBe(5);
      expect(new Set(failing).size).toBe(5);
      expect(failing).not.toContain(on.host.gateway);
    });

    test("proof: an owner who exchanges the directory for a link has no file of root changed", async () => {
      on.addUser("quick");
      on.must(`install -d -m 700 /root/.ssh; echo '${on.publicKey}' >/root/.ssh/authorized_keys`);
      const roots = on.host.listing("/root/.ssh");
      const loop =
        "cd /home/quick; while :; do mv .ssh s; ln -s /root/.ssh .ssh; sleep 0.01; rm .ssh; mv s .ssh; sleep 0.01; done";
      on.must(`systemd-run --quiet --unit=quick --uid=quick bash -c '${loop}'`);
      for (let i = 0; i < 4; i++) on.prove();
      on.must("systemctl stop quick");
      expect(on.host.listing("/root/.ssh")).toBe(roots);
      // The user had moved the file away when a line was removed, and so keeps one that opens nothing.
      const theirs = "/home/quick/{s,.ssh}/authorized_keys";
      const left = on.must(`sed -i /edox-ops-probe/d ${theirs} 2>/dev/null; cat ${theirs} 2>/dev/null; true`);
      expect(left).toContain(on.publicKey);
      on.rememberKeys();
    }, 60_000);
  });
}
