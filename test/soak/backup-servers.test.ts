// Backups to real servers: one of restic's REST protocol, S3, and a remote of rclone.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { suites } from "../integration/base.ts";
import { bootstrapped } from "../integration/bootstrapped.ts";
import { figure } from "../integration/rounds.ts";
import { buildLimitMs, s3Server } from "../integration/s3-server.ts";
import { TestHost } from "../integration/test-host.ts";

const canary = "canary-of-the-storage";
const rclone = "apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends rclone";

for (const suite of suites) {
  describe(`backup servers on ${suite}`, () => {
    let host: TestHost;
    let server: TestHost;
    const ops = (words: string) => host.sh(`edox-ops ${words}`);
    const served = (): string => host.sh("curl -s --resolve one.test:80:127.0.0.1 http://one.test/").stdout;

    /** Starts a program on the server, as a unit of this name. */
    function start(unit: string, command: string, env = ""): void {
      const { code, stderr } = server.sh(
        `systemd-run -q --collect --unit=${unit} ${env} ${command}; sleep 1; systemctl is-active ${unit}`,
      );
      if (code !== 0) throw new Error(stderr);
    }

    beforeAll(async () => {
      host = await bootstrapped(suite);
      server = await TestHost.up(suite);
      expect(server.sh(`${rclone}; mkdir -p /srv/rest /srv/s3`).code).toBe(0);
      server.put(s3Server(), "/usr/local/bin/versitygw");
      startRest();
      start(
        "s3",
        "/usr/local/bin/versitygw --port :7070 posix /srv/s3",
        `-E ROOT_ACCESS_KEY=ann -E ROOT_SECRET_KEY=${canary}`,
      );
      host.sh("mkdir -p /srv/one; echo one >/srv/one/index.html; head -c 20M /dev/urandom >/srv/one/large.bin");
      expect(ops("project publish one --domain one.test --source /srv/one")).toMatchObject({ code: 0 });
      for (const [name, lines] of [
        ["rest", `RESTIC_REST_USERNAME=ann\nRESTIC_REST_PASSWORD=${canary}`],
        ["s3", `AWS_ACCESS_KEY_ID=ann\nAWS_SECRET_ACCESS_KEY=${canary}`],
        ["wrong-rest", "RESTIC_REST_USERNAME=ann\nRESTIC_REST_PASSWORD=wrong"],
        ["wrong-s3", "AWS_ACCESS_KEY_ID=ann\nAWS_SECRET_ACCESS_KEY=wrong"],
      ]) {
        // The journal has the command lines of these tests.
        writeFileSync(`${host.root}/root/${name}.env`, `${lines}\n`, { mode: 0o600 });
      }
      writeFileSync(`${host.root}/root/canary`, `${canary}\n`);
    }, buildLimitMs + 600_000);
    afterAll(() => {
      host?.down();
      server?.down();
    });

    const startRest = (): void =>
      start("rest", "rclone serve restic /srv/rest --addr :8000", `-E RCLONE_USER=ann -E RCLONE_PASS=${canary}`);

    /** Runs a command while each command line on the host is read. Returns how often one had the canary. */
    function watched(words: string): { code: number; exposed: string } {
      const { code, stdout } =
        host.sh(`(while :; do cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -aoFf /root/canary; done) >/root/seen & seen=$!
        edox-ops ${words} >/dev/null 2>/root/err; code=$?; kill $seen; cat /root/seen; exit $code`);
      return { code, exposed: stdout };
    }

    const kinds = () => {
      const { address } = server;
      return [
        ["rest", `rest:http://${address}:8000/alpha/`],
        ["s3", `s3:http://${address}:7070/alpha`],
      ] as const;
    };

    for (const i of [0, 1] as const) {
      test(`backup ${["rest", "s3"][i]}: init, run, verify and restore, and each wrong credential is named`, () => {
        const [kind, repo] = kinds()[i];
        const init = (location: string, env: string) =>
          ops(`backup init --repo ${location} --generate --environment-file /root/${env}.env --yes`);
        host.sh("rm -f /etc/edox-ops/backup*");
        const refused = init(repo, `wrong-${kind}`);
        expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("the server denies access")]);
        const nowhere = init(repo.replace(/:\d+\//, ":9/"), kind);
        expect([nowhere.code, nowhere.stderr]).toEqual([1, expect.stringContaining("it cannot be reached")]);
        expect(host.sh("ls /etc/edox-ops").stdout).not.toContain("backup");
        expect(init(repo, kind)).toMatchObject({ code: 0, stderr: "" });
        expect(ops("backup enable --yes").code).toBe(0);
        expect(watched("backup run")).toEqual({ code: 0, exposed: "" });
        expect(host.sh("systemctl start edox-ops-backup.service").code).toBe(0);
        expect(ops("backup verify --all")).toMatchObject({ code: 0 });
        host.sh(`cp -a /etc/edox-ops/backup-password /root/right-${kind}; echo wrong >/etc/edox-ops/backup-password`);
        expect(ops("backup run").stderr).toContain("the password is wrong");
        host.sh(`cp -a /root/right-${kind} /etc/edox-ops/backup-password`);
        expect(ops("project remove one --delete-files --yes").code).toBe(0);
        expect(watched("backup restore --yes")).toEqual({ code: 0, exposed: "" });
        expect(served()).toBe("one\n");
        expect(host.sh("cmp /srv/one/large.bin /var/www/docs/one/large.bin").code).toBe(0);
        const found = host.sh(
          "grep -rlFf /root/canary /etc /var/log /var/lib /run /tmp; journalctl --sync; journalctl -o cat | grep -cFf /root/canary",
        );
        expect(found.stdout).toBe("/etc/edox-ops/backup-environment\n0\n");
      });
    }

    test("backup rest: a server that ends in the middle of a backup is reported, and the next run is complete", async () => {
      const [[, repo]] = kinds();
      host.sh("rm -f /etc/edox-ops/backup*");
      const files = "--password-file /root/right-rest --environment-file /root/rest.env";
      expect(ops(`backup init --repo ${repo} ${files} --yes`)).toMatchObject({ code: 0 });
      host.sh("head -c 60M /dev/urandom >/srv/one/large.bin; edox-ops project deploy one --source /srv/one");
      server.network("slow");
      const started = performance.now();
      const child = Bun.spawn(host.entering(["edox-ops", "backup", "run"]), { stdout: "ignore", stderr: "pipe" });
      await Bun.sleep(5000);
      server.sh("systemctl kill -s KILL rest");
      server.network("up");
      const [code, stderr] = [await child.exited, await new Response(child.stderr).text()];
      expect([code, stderr]).toEqual([1, expect.stringContaining("it cannot be reached")]);
      figure("backup rest, server ended, s", suite, Math.round((performance.now() - started) / 1000), "reported");
      expect(served()).toBe("one\n");
      startRest();
      expect(ops("backup run")).toMatchObject({ code: 0, stderr: "" });
      expect(ops("backup verify --all")).toMatchObject({ code: 0, stderr: "" });
    }, 1_200_000);

    test("backup rclone: a remote of root's configuration, also in the service, and a wrong one is named", () => {
      host.sh(
        `mkdir -p ~/.config/rclone /srv/remote; printf '[nas]\\ntype = alias\\nremote = /srv/remote\\n' >~/.config/rclone/rclone.conf; rm -f /etc/edox-ops/backup*`,
      );
      const wrong = ops("backup init --repo rclone:other:alpha --generate --yes");
      expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining("rclone has no remote of this name")]);
      expect(wrong.stderr).toContain("hint: rclone listremotes\n");
      expect(ops("backup init --repo rclone:nas:alpha --generate --yes")).toMatchObject({ code: 0 });
      expect(ops("backup enable --yes").code).toBe(0);
      expect(ops("backup run")).toMatchObject({ code: 0, stderr: "" });
      expect(ops("backup verify --all")).toMatchObject({ code: 0 });
    });
  });
}
