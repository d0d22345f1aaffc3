// Hosts without a network from before their first start, which install from a bundle.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { type Suite, suites } from "./base.ts";
import { type HostBundle, hostBundle } from "./bundle.ts";
import type { Disk } from "./disk.ts";
import { chance, rounds, soak } from "./rounds.ts";
import { must } from "./run.ts";
import { TestHost } from "./test-host.ts";
import { stateOf } from "./undisturbed.ts";

const bundlePath = "/srv/host.tar";
const bootstrap = ["edox-ops", "bootstrap", "--bundle", bundlePath, "--yes"];
const repositoryDir = "/var/lib/edox-ops/bundle";
const seconds = 8;

/** Settings of an administrator, and of packages such as apt-file, for the sources of the host. */
const ownSettings = `APT::Default-Release "no-such-release";
Acquire::Languages { "en"; "de"; };
Acquire::By-Hash "force";
Acquire::IndexTargets::deb::Contents-deb {
  MetaKey "$(COMPONENT)/Contents-$(ARCHITECTURE)";
  ShortDescription "Contents-$(ARCHITECTURE)";
  Description "$(RELEASE)/$(COMPONENT) $(ARCHITECTURE) Contents (deb)";
};
`;

/** Returns the function that defines a test, if the short form has it on this suite. The soak has all on both. */
const defined = (suite: Suite, of: Suite) => (soak || suite === of ? test : () => {});

for (const suite of suites) {
  const onlyOn = (of: Suite) => defined(suite, of);
  describe(`bundle on a dark ${suite}`, () => {
    let host: TestHost;
    let undisturbed: string[];
    let bundle: HostBundle;
    beforeAll(async () => {
      bundle = hostBundle(suite);
      host = await darkHost();
    });
    afterAll(() => {
      host?.down();
      bundle?.[Symbol.dispose]();
    });

    async function darkHost(disk?: Disk): Promise<TestHost> {
      const dark = await TestHost.dark(suite, disk);
      must(["cp", bundle.path, `${dark.root}${bundlePath}`]);
      writeFileSync(`${dark.root}/etc/apt/apt.conf.d/99own`, ownSettings);
      return dark;
    }

    const everything = (): string => host.listing("/etc", "/var/lib", "/var/cache", "/usr/bin", "/usr/sbin");

    test("bootstrap --bundle: a dry run lists packages with versions, and doctor the fit; neither changes anything", () => {
      const before = everything();
      const dry = host.run([...bootstrap.slice(0, -1), "--dry-run"]);
      expect([dry.code, dry.stderr]).toEqual([0, ""]);
      expect(dry.stdout).toMatch(/^from the bundle: nginx \d\S+$/m);
      const { code, stdout } = host.run(["edox-ops", "doctor", "--bundle", bundlePath]);
      expect([code, stdout]).toEqual([0, expect.stringMatching(/\nDoctor: the bundle fits this host\.\n$/)]);
      expect(everything()).toBe(before);
    });

    onlyOn("trixie")("bootstrap --bundle: refuses a damaged bundle before anything changes", () => {
      const before = everything();
      host.sh(
        `cp ${bundlePath} /srv/bad.tar; printf X | dd of=/srv/bad.tar bs=1 seek=30000000 conv=notrunc status=none`,
      );
      const damaged = host.run(["edox-ops", "bootstrap", "--bundle", "/srv/bad.tar", "--yes"]);
      expect(damaged).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/^error: the bundle is damaged: repo\//),
      });
      host.sh("rm /srv/bad.tar");
      expect(everything()).toBe(before);
    });

    test("bootstrap --bundle: installs without a packet, the host serves a page, and the second run changes nothing", () => {
      const results = (json: string): string[] =>
        JSON.parse(json).steps.map(({ result }: { result: string }) => result);
      // Without a link nothing can be sent. With one, whatever tries to is counted.
      if (suite === "trixie") host.countPackets();
      const first = host.run([...bootstrap, "--json"]);
      expect([first.code, results(first.stdout)]).toEqual([0, ["changed", "changed", "changed", "changed"]]);
      undisturbed = stateOf(host);
      const before = host.listing("/etc", "/var/lib");
      const second = host.run([...bootstrap, "--json"]);
      expect([second.code, results(second.stdout)]).toEqual([0, ["ok", "ok", "ok", "ok"]]);
      expect(host.listing("/etc", "/var/lib")).toBe(before);
      const publish = ["edox-ops", "project", "publish", "docs", "--domain", "docs.test", "--bundle", bundlePath];
      expect(host.run(publish)).toMatchObject({ code: 0, stderr: "" });
      expect(host.run(["curl", "-sS", "-H", "Host: docs.test", "http://127.0.0.1/"]).stdout).toBe("home\n");
      expect(host.packetsSent()).toBe(0);
      host.stopCounting();
    });

    test("bootstrap --bundle: nothing of it stays in apt, and back online the host updates as any other", () => {
      expect(host.run(["ls", repositoryDir]).stderr).toContain("No such file or directory");
      expect(host.sh(`grep -rl ${repositoryDir} /etc/apt /var/lib/apt /var/cache/apt`).stdout).toBe("");
      host.network("up");
      host.sh("rm /etc/apt/apt.conf.d/99own");
      const { code, stdout } = host.sh("apt-get update -qq && apt-get upgrade -y -qq && apt-cache policy nginx");
      expect([code, stdout]).toEqual([0, expect.stringContaining("http://deb.debian.org")]);
      expect(stdout).not.toContain(repositoryDir);
      expect(host.run(["edox-ops", "bootstrap", "--check", "--quiet"]).code).toBe(0);
    });

    onlyOn("trixie")(
      "bootstrap --bundle: a newer package and a held one stay as they are, and a missing one is installed",
      () => {
        const newer = `mkdir -p /tmp/newer/DEBIAN && cd /tmp && dpkg -s liberror-perl | grep -Ev '^(Status|Version):' >newer/DEBIAN/control &&
        echo 'Version: 99' >>newer/DEBIAN/control && dpkg-deb -b newer newer.deb && dpkg -i newer.deb &&
        apt-mark hold git && apt-get purge -y -qq rsync`;
        expect(host.sh(newer)).toMatchObject({ code: 0 });
        expect(host.run(bootstrap)).toMatchObject({ code: 0, stderr: "" });
        const versions = host.sh("dpkg -l liberror-perl git rsync").stdout;
        expect(versions).toMatch(/^ii +liberror-perl +99 /m);
        expect(versions).toMatch(/^hi +git /m);
        expect(versions).toMatch(/^ii +rsync /m);
      },
    );

    describe("interrupted", () => {
      let broken: TestHost | undefined;
      afterEach(() => {
        broken?.down();
        broken = undefined;
      });

      /** The same command again ends with the host of an undisturbed run. */
      function endsWell(victim: TestHost): void {
        const { code, stderr } = victim.run(bootstrap);
        expect([code, stderr]).toEqual([0, expect.stringMatching(/^(waiting at most .+\n)*$/)]);
        expect(stateOf(victim)).toEqual(undisturbed);
        expect(victim.run(["dpkg", "--audit"]).stdout).toBe("");
        expect(victim.run(["ls", repositoryDir]).code).not.toBe(0);
        expect(victim.packetsSent()).toBe(0);
      }

      /** Starts a run, and kills it with all its children as soon as this shell condition is true. */
      function killWhen(victim: TestHost, condition: string): void {
        victim.raw([
          "/bin/bash",
          "-c",
          `systemd-run --quiet --unit=victim --property=KillMode=control-group ${bootstrap.join(" ")}
          until ${condition}; do systemctl is-active -q victim || exit 1; done
          systemctl kill -s KILL --kill-whom=all victim
          while systemctl is-active -q victim; do :; done`,
        ]);
        expect(victim.run(["ls", repositoryDir]).code).toBe(0);
      }

      onlyOn("bookworm")(
        "bootstrap --bundle: the stick is pulled out after the verification, and the next run is killed",
        async () => {
          broken = await darkHost();
          const counting = ["-P", bundlePath, "-e", "trace=pread64", "-o", "/tmp/edox-reads"];
          broken.traced(counting, ["edox-ops", "doctor", "--bundle", bundlePath]);
          const reads = Number(must(["grep", "-c", "pread64", "/tmp/edox-reads"]));
          must(["rm", "/tmp/edox-reads"]);
          expect(reads).toBeGreaterThan(100);
          // The manifest, the indexes and some packages have been read again.
          const failing = `inject=pread64:error=EIO:when=${reads + 30}+`;
          const { code, stderr } = broken.traced(["-P", bundlePath, "-o", "/dev/null", "-e", failing], bootstrap);
          expect([code, stderr]).toEqual([1, expect.stringContaining(`cannot read the bundle ${bundlePath}: `)]);
          expect(broken.run(["ls", repositoryDir]).code).not.toBe(0);
          broken.sh(`mv ${bundlePath} ${bundlePath}.away`);
          expect(broken.run(bootstrap)).toMatchObject({ code: 1, stderr: expect.stringContaining(bundlePath) });
          broken.sh(`mv ${bundlePath}.away ${bundlePath}`);
          killWhen(broken, `ls ${repositoryDir}/repo/debian/pool >/dev/null 2>&1`);
          endsWell(broken);
        },
      );

      onlyOn("trixie")(
        "bootstrap --bundle: a full disk, and then a run that is killed while dpkg unpacks",
        async () => {
          broken = await darkHost({});
          const fill = (megabytes: number): void => {
            const script = `sync -f /; fallocate -l $((($(stat -f -c %a /) - ${megabytes} * 256) * 4096)) /filler`;
            expect(broken?.sh(script).code).toBe(0);
          };
          for (const [megabytes, what] of [
            [10, "the package indexes"],
            [60, "\\d+ packages"],
          ] as const) {
            fill(megabytes);
            const before = stateOf(broken);
            const { code, stderr } = broken.run(bootstrap);
            const cause = new RegExp(`no space left at /var/lib for ${what} of the bundle: \\S+ MiB are needed`);
            expect([code, stderr]).toEqual([1, expect.stringMatching(cause)]);
            expect(stateOf(broken)).toEqual(before);
            broken.sh("rm /filler");
          }
          killWhen(broken, "ls /var/lib/dpkg/updates/[0-9]* >/dev/null 2>&1 && test -e /var/lib/dpkg/info/git.list");
          endsWell(broken);
        },
      );

      for (const round of rounds(suite === "bookworm" ? 1 : 0, 5)) {
        test(`bootstrap --bundle: the power is cut, ${round}`, async () => {
          broken = await darkHost({ commitSeconds: 1, contentFirst: true });
          broken.sync();
          broken.raw(["systemd-run", "--quiet", "--unit=victim", ...bootstrap]);
          await Bun.sleep(1000 * seconds * chance("bundle", suite, round));
          await broken.powerCut();
          endsWell(broken);
        });
      }
    });
  });
}
