// A restore-host that is killed, or whose power is cut: the same command completes the host.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { suites } from "../integration/base.ts";
import { chance, figure, rounds } from "../integration/rounds.ts";
import { TestHost } from "../integration/test-host.ts";
import { stateOf } from "../integration/undisturbed.ts";
import { data, OldHost, sites, slugs, treesOf, well } from "./old-host.ts";

/** What a restore installs, except for GitLab Runner: rounds are short, and interrupt the restore rather than apt. */
const packages = "restic certbot openssh-server sudo docker-ce docker-ce-cli containerd.io docker-buildx-plugin";
/** A host has its own identity, and a repeated restore deploys what is live already, which notes its digests. */
const own = /\/etc\/gitlab-runner\/\.runner_system_id|\.edox-ops-backups\/(?:two|three|[a-z]+\/\.digests)(?: |$)/;

interface Completed {
  files: string[];
  findings: string[];
  units: string;
}

for (const suite of suites) {
  describe(`restore-host faults on ${suite}`, () => {
    let old: OldHost;
    let dir: string;
    let host: TestHost;
    /** The host after a restore without a fault, and its duration. */
    let whole: Completed;
    let seconds: number;

    const command = () => old.restoring(host, `--repo ${old.repo} --yes`);

    /** Boots a host that has the packages, and to which the names of the sites lead. */
    async function start(): Promise<void> {
      host = await TestHost.bare(suite, { commitSeconds: 1 }, data, `${dir}/image`);
      old.introduce(host);
      old.lead(slugs, host.address);
      // Its password file has to be on the disk.
      command();
      host.sync();
    }

    function completed(): Completed {
      const { findings } = JSON.parse(host.sh("edox-ops doctor --json").stdout);
      const files = [...stateOf(host), ...host.listing("/var/lib/edox-ops").split("\n")];
      return {
        files: files.filter((line) => !own.test(line)),
        findings: findings.map(({ name, status }: Record<string, string>) => `${status} ${name}`),
        units: host.sh("systemctl is-active docker gitlab-runner certbot.timer edox-ops-previews.timer nginx").stdout,
      };
    }

    beforeAll(async () => {
      dir = mkdtempSync(`${tmpdir()}/edox-move-`);
      old = await OldHost.backedUp(suite);
      using made = await TestHost.bare(suite, undefined, data);
      old.prepare(made);
      well(made, "edox-ops bootstrap --yes --only packages.install");
      well(made, `edox-ops gitlab-runner prepare-ci-host --yes --only docker.install ${old.ciFlags.join(" ")}`);
      well(
        made,
        `DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends ${packages} && apt-get clean`,
      );
      made.save(`${dir}/image`);
    }, 600_000);
    beforeAll(async () => {
      await start();
      const begin = performance.now();
      well(host, command());
      seconds = (performance.now() - begin) / 1000;
      whole = completed();
      expect(whole.units).toBe("active\n".repeat(5));
      expect(old.servedBy(host)).toBe(old.bytes);
      host.down();
    }, 600_000);
    afterEach(() => host?.down());
    afterAll(() => {
      old?.[Symbol.dispose]();
      rmSync(dir, { recursive: true, force: true });
    });

    /** Starts a restore, and returns when this part of its duration has passed. */
    async function restoreFor(share: number): Promise<void> {
      host.raw([
        "systemd-run",
        "--quiet",
        "--unit=victim",
        "--collect",
        "-p",
        "KillMode=process",
        ...command().split(" "),
      ]);
      await Bun.sleep(seconds * share * 1000);
    }

    /** Expects that no site is there in part, and that the same command completes the host. */
    async function completes(kind: string, share: number): Promise<void> {
      const trees = treesOf(host).split("\n");
      for (const slug of slugs) {
        const lines = (all: readonly string[]) => all.filter((line) => `${line} `.match(`${sites}/${slug}[ /]`));
        if (lines(trees).length > 0) expect(lines(trees)).toEqual(lines(old.trees.split("\n")));
      }
      // The run may have ended before.
      const isComplete =
        host.sh("[ -e /etc/edox-ops/projects.json ] && [ ! -e /var/lib/edox-ops/backup/moving ]").code === 0;
      const log = host.sh("grep -h STEP /var/log/edox-ops/*.log | sort | tail -1").stdout;
      console.log(`${kind} on ${suite} at ${(share * seconds).toFixed(1)} of ${seconds.toFixed(1)} s: ${log}`);
      if (!isComplete) {
        const { code, stderr } = host.sh(command());
        expect([code, stderr]).toEqual([0, expect.not.stringContaining("not restored: one")]);
      }
      expect(completed()).toEqual(whole);
      expect(treesOf(host)).toBe(old.trees);
      expect(old.servedBy(host)).toBe(old.bytes);
      expect(host.run(["dpkg", "--audit"]).stdout).toBe("");
      await old.jobRuns();
      figure(`restore-host, ${kind}`, suite, share, "complete");
    }

    const names = rounds(1, 3);
    for (const [i, round] of names.entries()) {
      /** The rounds spread over the duration. */
      const shareOf = (kind: string) => (i + chance(kind, suite, round)) / names.length;

      test(`restore-host: killed in ${round}, and the same command completes the host`, async () => {
        await start();
        const share = shareOf("restore-host, killed");
        await restoreFor(share);
        // Its children live on, or die with it.
        const whom = chance("restore-host, whom", suite, round) < 0.5 ? "main" : "all";
        host.raw(["systemctl", "kill", "-s", "KILL", `--kill-whom=${whom}`, "victim"]);
        await completes("killed", share);
      });

      test(`restore-host: the power is cut in ${round}, and the same command completes the host`, async () => {
        await start();
        const share = shareOf("restore-host, power");
        await restoreFor(share);
        await host.powerCut();
        await completes("power cut", share);
      });
    }
  });
}
