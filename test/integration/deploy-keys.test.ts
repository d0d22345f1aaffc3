// Deploy keys on real hosts: the real sshd, sudo and nginx, and a client that tries everything else.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { hostileRequests } from "../deploy-keys/hostile-requests.ts";
import { tarOf } from "../sites/archives.ts";
import { suites } from "./base.ts";
import { bootstrapped } from "./bootstrapped.ts";
import { soak } from "./rounds.ts";
import type { TestHost } from "./test-host.ts";
import { typedHint } from "./typed-hint.ts";

const page = (content: string): Buffer => tarOf([{ name: "index.html", content }]);
const canary = "canary-4f283b18-readable-by-root-alone";
const backups = "/var/www/docs/.edox-ops-backups";
const log = "/var/log/edox-ops/deploy-keys.log";

/** What a client adds to the usual session. */
interface Client {
  request?: string;
  key?: string;
  stdin?: Uint8Array;
  flags?: string[];
  /** The address of the host. */
  to?: string;
}

for (const suite of soak ? suites : (["bookworm"] as const)) {
  describe(`deploy keys on ${suite}`, () => {
    let host: TestHost;
    /** All that clients got, in which no canary may be. */
    let received = "";

    const project = (line: string) => host.sh(`edox-ops project ${line}`);
    const served = (name = "demo"): string => host.sh(`curl -sS -H 'Host: ${name}.test' http://127.0.0.1/`).stdout;

    /** Adds a key, and keeps its private key in a file of the client. */
    function addKey(words: string, file: string): void {
      const { code, stdout, stderr } = project(`key add ${words} --generate --json`);
      if (code !== 0) throw new Error(stdout + stderr);
      writeFileSync(`${host.root}/root/${file}`, JSON.parse(stdout).private_key, { mode: 0o600 });
    }

    function start({ request, key = "ci", flags = [], to = "127.0.0.1" }: Client, program = "ssh") {
      const options = ["IdentitiesOnly=yes", "BatchMode=yes", "LogLevel=ERROR", "UserKnownHostsFile=/dev/null"];
      const all = [...options, "StrictHostKeyChecking=no"].flatMap((each) => ["-o", each]);
      const words = [program, "-F", "none", "-i", `/root/${key}`, ...all, ...flags];
      const target = program === "ssh" ? [`edox-deploy@${to}`, ...(request === undefined ? [] : [request])] : [];
      const argv = host.entering(["timeout", "60", ...words, ...target]);
      return Bun.spawn(argv, { stdin: "pipe", stdout: "pipe", stderr: "pipe", cwd: "/" });
    }

    async function ended(child: ReturnType<typeof start>) {
      const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
      received += out + err;
      return { code, out, err };
    }

    /** Runs a session to its end. A host that refuses the request closes its stdin early. */
    function session(client: Client = {}, program?: string) {
      const child = start(client, program);
      const done = ended(child);
      Promise.resolve(child.stdin.write(client.stdin ?? "")).catch(() => {});
      Promise.resolve(child.stdin.end()).catch(() => {});
      return done;
    }

    const deploy = (content: string, more: Client = {}) =>
      session({ request: "deploy", stdin: page(content), ...more });

    /** Everything that no session of the project demo may change. */
    const foreign = (): string =>
      host.listing("/etc", "/root", "/var/www/docs/other", `${backups}/other`, "/home", "/usr/local");
    const own = (): string => host.listing("/var/www/docs/demo", `${backups}/demo`);
    const working = (): string =>
      host.sh(`find ${backups} -name '.unpacked*' -o -name '.stage*'; pgrep -a edox-ops`).stdout;

    async function until(what: () => boolean): Promise<void> {
      for (const end = Date.now() + 10_000; !what(); await Bun.sleep(50)) {
        if (Date.now() > end) throw new Error(`timed out: ${what}`);
      }
    }

    beforeAll(async () => {
      host = await bootstrapped(suite);
      host.sh("mkdir -p /srv/site && echo home >/srv/site/index.html");
      for (const slug of ["demo", "other"])
        expect(project(`publish ${slug} --domain ${slug}.test --source /srv/site`).code).toBe(0);
      addKey("demo", "ci");
      addKey("other --rate 1000/h", "other");
      host.sh(
        `echo ${canary} >/root/canary; echo ${canary} >/etc/edox-ops/canary; chmod 600 /root/canary /etc/edox-ops/canary`,
      );
      // A careless sshd: it passes on every variable of a client, and newer ones would count refused clients.
      host.sh(
        "echo 'AcceptEnv *' >/etc/ssh/sshd_config.d/test.conf; echo 'PerSourcePenalties no' >/etc/ssh/sshd_config.d/newer.conf",
      );
      host.sh("sshd -t || rm /etc/ssh/sshd_config.d/newer.conf; systemctl restart ssh");
      host.sh(`sed -i 's/"rate": 60/"rate": 2000/' /etc/edox-ops/deploy-keys.json`);
    });
    afterAll(() => host?.down());

    test("the account has no password, owns nothing, and may run exactly one command as root", () => {
      expect(host.sh("getent shadow edox-deploy").stdout).toStartWith("edox-deploy:*:");
      expect(host.sh("find / -xdev -user edox-deploy -not -path '/proc/*' 2>/dev/null").stdout).toBe("");
      expect(host.sh("visudo -c").code).toBe(0);
      expect(host.sh("sudo -l -U edox-deploy").stdout).toEndWith(
        "    (root) NOPASSWD: /usr/local/bin/edox-ops deploy-session\n",
      );
      const findings = JSON.parse(host.sh("edox-ops doctor --json").stdout).findings as {
        name: string;
        status: string;
      }[];
      const bad = findings.filter(
        ({ name, status }) => /deploy|ssh|sudo/.test(name) && !["ok", "not-set-up"].includes(status),
      );
      // The careless AcceptEnv above, with which a client could run code of its own as the user.
      expect(bad).toMatchObject([{ name: "deploy-keys:sshd", status: "error" }]);
      expect(findings.length).toBeGreaterThan(10);
    });

    test("a tar, also as gzip and zstd, is live when ssh ends, with JSON on stdout and text on stderr", async () => {
      const archives = { plain: page("plain"), gzip: gzipSync(page("gzip")), zstd: zstdCompressSync(page("zstd")) };
      for (const [name, stdin] of Object.entries(archives)) {
        const { code, out, err } = await session({ request: "deploy", stdin });
        expect([name, code, served()]).toEqual([name, 0, name]);
        expect(JSON.parse(out.trimEnd().split("\n").at(-1) as string)).toMatchObject({
          event: "summary",
          outcome: "changed",
        });
        expect(err).toEndWith("Deployed project demo from stdin.\n");
      }
      const tar =
        "tar -C /srv/site -c . | ssh -F none -i /root/ci -o StrictHostKeyChecking=accept-new edox-deploy@127.0.0.1 deploy";
      expect(host.sh(tar).code).toBe(0);
      expect(served()).toBe("home\n");
      expect(await session({ request: "rollback" })).toMatchObject({ code: 0 });
      expect(served()).toBe("zstd");
      expect(JSON.parse((await session({ request: "status" })).out).projects).toMatchObject([{ slug: "demo" }]);
      expect(host.sh(`tail -1 ${log}`).stdout).toMatch(
        /^\[\S+Z\] SESSION key='demo\/ci' fingerprint=SHA256:\S{43} project=demo address=127.0.0.1 request='status' outcome=done exit=0\n$/,
      );
    });

    test("sftp, scp, forwarding, agent, X11, a terminal and variables open nothing", async () => {
      const [before, live] = [foreign(), own()];
      const target = "edox-deploy@127.0.0.1";
      const failing: [name: string, program: string, client: Client][] = [
        ["sftp", "sftp", { flags: ["-b", "-", target], stdin: Buffer.from("get /etc/passwd /tmp/stolen\n") }],
        ["sftp as a command", "ssh", { request: "sftp", flags: ["-s"] }],
        ["scp from the host", "scp", { flags: [`${target}:/etc/passwd`, "/tmp/stolen"] }],
        ["the old scp from the host", "scp", { flags: ["-O", `${target}:/etc/passwd`, "/tmp/stolen"] }],
        ["the old scp to the host", "scp", { flags: ["-O", "/etc/hostname", `${target}:/var/www/docs/demo/evil`] }],
        ["a connection through the host", "ssh", { flags: ["-W", "127.0.0.1:80"] }],
        [
          "a socket of the host",
          "ssh",
          { flags: ["-o", "ExitOnForwardFailure=yes", "-N", "-R", "/tmp/evil.sock:127.0.0.1:80"] },
        ],
        ["a port of the host", "ssh", { flags: ["-o", "ExitOnForwardFailure=yes", "-N", "-R", "9998:127.0.0.1:80"] }],
        ["a shell", "ssh", {}],
        ["a shell with a terminal", "ssh", { flags: ["-tt"], stdin: Buffer.from("id\ncat /root/canary\nexit\n") }],
      ];
      for (const [name, program, client] of failing) {
        const { code, out } = await session(client, program);
        expect([name, code === 0, /uid=|root:x:/.test(out)]).toEqual([name, false, false]);
      }
      for (const flags of [["-A"], ["-X"], ["-Y"], ["-w", "any"]]) {
        expect([flags, (await session({ request: "status", flags })).code]).toEqual([flags, 0]);
      }
      const variables = [
        "EDOX_OPS_KEY=other/ci",
        "SSH_ORIGINAL_COMMAND=status",
        "LD_PRELOAD=/tmp/a.so",
        "BUN_OPTIONS=--eval=1",
        "PATH=/tmp",
      ];
      for (const each of [
        ...variables,
        "ENV=/tmp/a",
        "BASH_ENV=/tmp/a",
        "SUDO_USER=root",
        "EDOX_DEBUG=1",
        "SHELLOPTS=xtrace",
      ]) {
        const { code, out } = await session({ request: "status", flags: ["-o", `SetEnv=${each}`] });
        expect([each, code, JSON.parse(out).projects[0].slug]).toEqual([each, 0, "demo"]);
      }
      expect([foreign(), own(), host.sh("ls /tmp/stolen /tmp/ssh-* 2>/dev/null").stdout]).toEqual([before, live, ""]);
      expect(host.sh("ss -ltn").stdout).not.toContain(":9998");
    }, 120_000);

    test("the account itself, without a key, reads no file of root and becomes nobody else", () => {
      const as = (words: string) => host.sh(`runuser -u edox-deploy -- ${words}`);
      for (const words of [
        ...["cat /root/canary", "cat /etc/edox-ops/canary", "cat /etc/edox-ops/deploy-keys.json", "cat /etc/shadow"],
        ...[
          "cat /etc/sudoers.d/edox-ops-deploy",
          `cat ${log}`,
          "touch /var/lib/edox-ops/deploy/x",
          "touch /var/lib/edox-ops/deploy/.ssh/rc",
        ],
        ...[
          "sudo -n id",
          "sudo -n cat /root/canary",
          "sudo -n /usr/local/bin/edox-ops doctor",
          "sudo -n -s",
          "sudo -n -l -U root",
        ],
        ...[
          "sudo -n /usr/local/bin/edox-ops deploy-session more",
          "sudo -n -u www-data /usr/local/bin/edox-ops deploy-session",
        ],
        ...[
          "sudo -n -E /usr/local/bin/edox-ops deploy-session",
          "sudo -n PATH=/tmp /usr/local/bin/edox-ops deploy-session",
        ],
        ...[
          "sudo -n /usr/local/bin/edox-ops deploy-session --help",
          "sudo -n /usr/local/bin/../bin/edox-ops uninstall --yes",
        ],
        ...["sudo -n -g root /usr/local/bin/edox-ops deploy-session", "sudo -n /usr/local/bin/edox-ops deploy-session"],
      ]) {
        const { code, stdout, stderr } = as(words);
        received += stdout + stderr;
        expect([words, code !== 0]).toEqual([words, true]);
      }
    });

    test("hostile tars change nothing: endless, too large, slow, climbing out, cut off", async () => {
      host.sh(`sed -i 's/"max_size": [0-9]*/"max_size": 20000000, "max_seconds": 3/' /etc/edox-ops/deploy-keys.json`);
      const [before, live] = [foreign(), own()];
      const endless = start({ request: "deploy" });
      const done = ended(endless);
      const head = tarOf([{ name: "index.html", content: "x", size: 2 ** 33 - 1 }]).subarray(0, 512);
      let open = true;
      done.then(() => {
        open = false;
      });
      endless.stdin.write(head);
      for (let sent = 0; open && sent < 2 ** 30; sent += 2 ** 20) {
        endless.stdin.write(Buffer.alloc(2 ** 20, "x"));
        await Promise.race([Promise.resolve(endless.stdin.flush()).catch(() => {}), done]);
        await Bun.sleep(1);
      }
      expect(await done).toMatchObject({ code: 1, err: expect.stringContaining("limit reached") });

      const slow = start({ request: "deploy" });
      const ending = ended(slow);
      const dripping = setInterval(() => slow.stdin.write("x"), 100);
      slow.stdin.write(head);
      expect(await ending).toMatchObject({ code: 1, err: expect.stringContaining("took longer than 3 s") });
      clearInterval(dripping);

      const tars = [
        tarOf([
          { name: "index.html", content: "evil" },
          { name: "../other/index.html", content: "evil" },
        ]),
        tarOf([
          { name: "index.html", content: "evil" },
          { name: "/etc/cron.d/evil", content: "evil" },
        ]),
        tarOf([{ name: "index.html", type: "2", link: "/root/canary" }]),
        tarOf([
          { name: "a", type: "2", link: "/etc" },
          { name: "a/evil", content: "evil" },
        ]),
        tarOf([{ name: "index.html", type: "1", link: "/root/canary" }]),
        page("evil").subarray(0, 1024),
        gzipSync(page("evil")).subarray(0, 40),
        Buffer.alloc(0),
      ];
      for (const [i, stdin] of tars.entries())
        expect([i, (await session({ request: "deploy", stdin })).code]).toEqual([i, 1]);
      expect([foreign(), own(), working()]).toEqual([before, live, ""]);
    }, 60_000);

    test("a client that is killed, or whose connection is, leaves nothing", async () => {
      const live = own();
      for (const how of ["client", "connection"]) {
        const child = start({ request: "deploy" });
        const done = ended(child);
        child.stdin.write(page("evil").subarray(0, 700));
        child.stdin.flush();
        await until(() => working().includes(".unpacked"));
        if (how === "client") host.sh("pkill -KILL -x ssh");
        else host.sh("pkill -KILL -u edox-deploy sshd");
        await done;
        await until(() => working() === "");
        expect([how, own()]).toEqual([how, live]);
      }
    });

    test("two at once: the second waits for the first, and another project does not wait", async () => {
      const first = start({ request: "deploy" });
      const done = ended(first);
      first.stdin.write(page("first").subarray(0, 512));
      first.stdin.flush();
      await until(() => working().includes(".unpacked"));
      let isWaiting = true;
      const second = deploy("second").finally(() => {
        isWaiting = false;
      });
      expect(await deploy("theirs", { key: "other" })).toMatchObject({ code: 0 });
      expect([isWaiting, served("other")]).toEqual([true, "theirs"]);
      first.stdin.write(page("first").subarray(512));
      first.stdin.end();
      expect([(await done).code, (await second).code, served()]).toEqual([0, 0, "second"]);
    });

    test("a key is bound to its addresses, has an end, and is gone when it is removed", async () => {
      addKey("demo --name far --from 192.0.2.0/24 --expires 90d", "far");
      addKey(`demo --name near --from ${host.address} --expires 90d --previews-only`, "near");
      expect(await deploy("evil", { key: "far" })).toMatchObject({ code: 255 });
      expect(await deploy("evil", { key: "near" })).toMatchObject({ code: 255 });
      const near = { key: "near", to: host.address };
      expect(await session({ request: "status", ...near })).toMatchObject({ code: 0 });
      expect(await deploy("evil", near)).toMatchObject({
        code: 2,
        err: expect.stringContaining("may change only previews"),
      });

      const child = start({ request: "deploy" });
      const done = ended(child);
      child.stdin.write(page("last").subarray(0, 512));
      child.stdin.flush();
      await until(() => working().includes(".unpacked"));
      expect(project("key remove demo ci").code).toBe(0);
      child.stdin.write(page("last").subarray(512));
      child.stdin.end();
      expect([(await done).code, served()]).toEqual([0, "last"]);
      expect(await deploy("evil")).toMatchObject({ code: 255 });
      addKey("demo --rate 2000/h", "ci");
    });

    const count = soak ? 1000 : 30;
    test(
      `${count} hostile requests change nothing but the key's own project`,
      async () => {
        const before = foreign();
        // ssh takes no NUL in its arguments, and no request that begins with a dash.
        const requests = hostileRequests(2 * count, Number(process.env.EDOX_SEED ?? "1")).filter(
          (each) => !/\0|^-|^$/.test(each),
        );
        const queue = requests.slice(0, count);
        const worker = async (): Promise<void> => {
          for (let request = queue.shift(); request !== undefined; request = queue.shift()) {
            const { code } = await session({ request, stdin: page("mine") });
            expect([request, [0, 1, 2].includes(code)]).toEqual([request, true]);
          }
        };
        await Promise.all(Array.from({ length: 4 }, worker));
        expect([foreign(), working()]).toEqual([before, ""]);
      },
      count * 20_000,
    );

    test("doctor reports an sshd or a sudo that does not fit, and each hint shows or corrects it", () => {
      const doctor = (check: string): string => host.sh(`edox-ops doctor | grep ${check}`).stdout;
      const config = "/etc/ssh/sshd_config.d/00-admins.conf";
      expect(doctor("deploy-keys:sshd")).toContain("sshd has AcceptEnv for LD_PRELOAD");
      expect(typedHint(host, doctor("deploy-keys:sshd"))).toContain("acceptenv *");
      host.sh("rm /etc/ssh/sshd_config.d/test.conf");
      host.sh(`echo 'AllowUsers admin' >${config}`);
      expect(doctor("deploy-keys:sshd")).toContain("[FAIL] deploy-keys:sshd: sshd has AllowUsers without edox-deploy");
      expect(typedHint(host, doctor("deploy-keys:sshd"))).toContain("allowusers admin");
      host.sh(`rm ${config}; mv /run/sshd /run/sshd.away`);
      expect(typedHint(host, doctor("deploy-keys:sshd"))).toBe("");
      expect(doctor("deploy-keys:sshd")).toStartWith("[OK] ");
      host.sh("echo 'edox-deploy ALL=(ALL) NOPASSWD: /usr/bin/id' >/etc/sudoers.d/zz-more");
      expect(typedHint(host, doctor("deploy-keys:sudo"))).toContain("zz-more:1:");
      host.sh("rm /etc/sudoers.d/zz-more; gpasswd -a edox-deploy adm");
      expect(typedHint(host, doctor("deploy-keys:groups"))).toContain("(adm)");
      host.sh(
        "gpasswd -d edox-deploy adm; echo 'ssh-ed25519 AAAA evil' >>/var/lib/edox-ops/deploy/.ssh/authorized_keys",
      );
      expect(doctor("authorized_keys")).toContain("differs from what edox-ops writes");
      expect(host.sh("edox-ops doctor --fix --yes").code).toBe(0);
      expect(host.sh("edox-ops doctor | grep deploy-keys | grep -v '^.OK. '").stdout).toBe("");
    });

    test("a key deploys after host ssh-harden", async () => {
      // The test before has left a change that sshd has not loaded.
      host.sh("systemctl reload ssh; ssh-keygen -q -t ed25519 -N '' -f /root/admin");
      for (const line of ["admin carol --key /root/admin.pub", "ssh-harden"]) {
        const { code, stderr } = host.sh(`edox-ops host ${line} --yes`);
        expect([line, code, stderr]).toEqual([line, 0, ""]);
      }
      expect(host.sh("sshd -T").stdout).toContain("passwordauthentication no\n");
      expect(await session({ request: "deploy", stdin: page("hardened") })).toMatchObject({ code: 0 });
      expect(served()).toBe("hardened");
    });

    test("no client has received a canary, and uninstall leaves no key, no rule and no user", () => {
      expect(received.length).toBeGreaterThan(1000);
      expect(received).not.toContain(canary);
      expect(received).not.toMatch(/root:[x*!$]/);
      expect(readFileSync(`${host.root}${log}`, "utf8")).not.toContain("PRIVATE KEY");
      expect(host.sh("edox-ops uninstall --yes").code).toBe(0);
      expect(
        host.sh(
          "ls /etc/sudoers.d/edox-ops-deploy /var/lib/edox-ops/deploy /etc/edox-ops/deploy-keys.json; getent passwd edox-deploy",
        ).stdout,
      ).toBe("");
    });
  });
}
