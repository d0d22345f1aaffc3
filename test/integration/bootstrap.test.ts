// Tests the binary on real hosts.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { suites } from "./base.ts";
import { TestHost } from "./test-host.ts";

const watched = ["/etc", "/var/lib", "/var/www"];
const log = "/var/log/edox-ops/bootstrap.log";

for (const suite of suites) {
  describe(`bootstrap on a bare ${suite}`, () => {
    let host: TestHost;
    beforeAll(async () => {
      host = await TestHost.bare(suite);
    });
    afterAll(() => host?.down());

    const outcomes = (json: string): string[] =>
      (JSON.parse(json) as { steps: { result: string }[] }).steps.map(({ result }) => result);

    test("bootstrap: a dry run lists every step, and --check exits with 3", () => {
      const dry = host.run(["edox-ops", "bootstrap", "--dry-run", "--json"]);
      expect(outcomes(dry.stdout)).toEqual(["pending", "pending", "pending", "pending"]);
      expect(host.run(["edox-ops", "bootstrap", "--check", "--quiet"]).code).toBe(3);
      expect(host.run(["test", "-e", log]).code).toBe(1);
    });

    test("bootstrap: the first run applies all changes, and the second changes only its log", () => {
      const first = host.run(["edox-ops", "bootstrap", "--yes", "--json"]);
      expect(first.code).toBe(0);
      expect(outcomes(first.stdout)).toEqual(["changed", "changed", "changed", "changed"]);

      const before = host.listing(...watched);
      const second = host.run(["edox-ops", "bootstrap", "--yes", "--json"]);
      expect(outcomes(second.stdout)).toEqual(["ok", "ok", "ok", "ok"]);
      expect(host.listing(...watched)).toBe(before);
      expect(host.sh(`grep -c SKIPPED ${log}`).stdout.trim()).toBe("4");
      expect(host.run(["edox-ops", "bootstrap", "--check", "--quiet"]).code).toBe(0);
    });

    test("bootstrap: a converged run writes only its log and starts no child, and doctor writes nothing and runs systemctl only", () => {
      host.sh("apt-get install -y -qq --no-install-recommends strace >/dev/null");
      const calls =
        "execve,open,openat,creat,mkdir,mkdirat,unlink,unlinkat,rename,renameat,renameat2,link,linkat,symlink";
      for (const [command, paths, programs] of [
        ["bootstrap --yes", [log], ["edox-ops"]],
        ["doctor", [], ["edox-ops", "systemctl"]],
      ] as const) {
        const traced = ["strace", "-f", "-qq", "-e", `trace=${calls}`, "-o", "/run/trace"];
        expect(host.run([...traced, "edox-ops", ...command.split(" ")]).code).toBe(0);
        const lines = host.run(["cat", "/run/trace"]).stdout.split("\n");
        const started = lines.flatMap((line) => /execve\("[^"]*\/([^"/]+)".* = 0$/.exec(line)?.[1] ?? []);
        expect(started).toEqual([...programs]);
        const opened = lines.filter((line) => / open(at)?\(/.test(line));
        expect(opened.length).toBeGreaterThan(10);
        const written = opened.filter((line) => /O_WRONLY|O_RDWR|O_CREAT/.test(line) && !line.includes("/dev/null"));
        expect([...new Set(written.map((line) => line.split('"')[1]))]).toEqual([...paths]);
        // `???(`: strace has not seen the beginning of the call in which a thread ended.
        expect(lines.filter((line) => !/ (execve|open|openat|\?\?\?)\(|<\.\.\. |\+\+\+|---|^$/.test(line))).toEqual([]);
      }
    });

    test("doctor: a new host is ready", () => {
      const { code, stdout } = host.run(["edox-ops", "doctor"]);
      expect(stdout).not.toContain("[FAIL]");
      expect(code).toBe(0);
      expect(stdout).toEndWith("Doctor: host looks ready.\n");
    });

    test("doctor and nginx status: an unprivileged user is informed what requires root, and no valid configuration is reported as invalid", () => {
      const asUser = (line: string) => host.run(["runuser", "-u", "nobody", "--", "edox-ops", ...line.split(" ")]);
      expect(asUser("nginx status")).toMatchObject({ code: 0, stdout: expect.stringMatching(/^config_valid: True$/m) });
      host.sh("sleep 0.1; touch /etc/nginx/nginx.conf");
      const status = asUser("nginx status");
      expect([status.code, status.stdout]).toEqual([1, expect.stringMatching(/^config_valid: unknown$/m)]);
      expect(status.stdout).toContain("(run: sudo edox-ops nginx status)");
      const { code, stdout } = asUser("doctor");
      expect([code, stdout]).toEqual([
        0,
        expect.stringMatching(
          /\nDoctor: no check failed, but \d+ could not be checked \(run: sudo edox-ops doctor\)\.\n$/,
        ),
      ]);
      host.sh("systemctl reload nginx");
    });

    test("nginx: requests for unknown names are closed without a response, over HTTP and HTTPS, IPv4 and IPv6", () => {
      for (const url of ["http://127.0.0.1/", "http://[::1]/"]) {
        expect(host.run(["curl", "-gsS", url]).stderr).toContain("Empty reply from server");
      }
      for (const url of ["https://127.0.0.1/", "https://[::1]/"]) {
        expect(host.run(["curl", "-gsSk", url]).stderr).toContain("unrecognized name");
      }
    });

    test("bootstrap: a change that nginx refuses is rolled back byte by byte, and nginx keeps serving", () => {
      host.sh(`cd /etc/nginx && echo '# theirs' >sites-available/theirs && ln -s ../sites-available/theirs sites-enabled
        systemctl reload nginx && sleep 1 && edox-ops doctor && echo 'nonsense;' >sites-available/theirs`);
      expect(host.run(["edox-ops", "doctor"]).stdout).toContain("[FAIL] nginx:config: ");
      for (const flag of ["--check", "--dry-run", "--yes"]) {
        const { code, stderr } = host.run(["edox-ops", "bootstrap", flag]);
        expect([flag, code]).toEqual([flag, 1]);
        expect(stderr).toStartWith(
          'error: nginx refuses its configuration: unknown directive "nonsense" in /etc/nginx/sites-enabled/theirs:1\n',
        );
      }
      host.sh("echo '# mine' >/etc/nginx/conf.d/edox-ops-limits.conf");
      const before = host.listing("/etc");
      const { code, stderr } = host.run(["edox-ops", "bootstrap", "--yes"]);
      expect(code).toBe(1);
      expect(stderr).toContain('unknown directive "nonsense" in /etc/nginx/sites-enabled/theirs:1');
      expect(stderr).toContain("it was already broken before this run");
      expect(host.listing("/etc")).toBe(before);
      expect(host.run(["curl", "-sS", "http://127.0.0.1/"]).stderr).toContain("Empty reply from server");
      host.sh("rm /etc/nginx/sites-enabled/theirs");
      expect(host.run(["edox-ops", "bootstrap", "--yes"]).code).toBe(0);
    });

    test("bootstrap: of two concurrent runs the second reports the first and exits with 75, and a dry run is not blocked", () => {
      const script = `apt-get purge -y -qq rsync >/dev/null 2>&1
        edox-ops bootstrap --yes >/dev/null & first=$!
        until grep -q ":$(stat -c %i /run/edox-ops/host.lock) " /proc/locks; do kill -0 $first || break; done
        edox-ops bootstrap --yes; echo "second $?"
        edox-ops bootstrap --dry-run >/dev/null; echo "look $?"
        wait $first; echo "first $? $first"`;
      const { stdout, stderr } = host.sh(script);
      const [, first] = /^second 75\nlook 0\nfirst 0 (\d+)\n$/.exec(stdout) ?? [];
      expect(stderr).toMatch(
        new RegExp(`^error: another run holds the lock: edox-ops bootstrap --yes \\(pid ${first}, since [^)]+Z\\)\n`),
      );
    });

    test("bootstrap: --fail-step fails on a converged host too", () => {
      const { code, stderr } = host.run(["edox-ops", "bootstrap", "--yes", "--fail-step", "nginx.prepare"]);
      expect([code, stderr]).toEqual([1, expect.stringContaining("Bootstrap failed at step nginx.prepare")]);
    });
  });
}
