// An interrupted prepare-ci-host: killed at each step and at seeded moments, without network, on a full disk, by a
// power cut. The next run succeeds, and the host equals that of an uninterrupted run.

import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import { suites } from "./base.ts";
import { CiHost } from "./ci-host.ts";
import { chance, figure, rounds, soak } from "./rounds.ts";
import { stateOf } from "./undisturbed.ts";

const log = "/var/log/edox-ops/gitlab-runner-ci-host.log";
const steps = ["docker.install", "runner.user.create", "runner.install", "runner.service.install"];
/** A moment of a run, and the shell condition for it. */
type Moment = readonly [when: string, condition: string];
/** The next run after a kill may find that a step is done, and skips it. */
const at = (boundary: string): Moment => {
  const words = boundary.replace("SUCCESS", "(SUCCESS|SKIPPED)");
  return [`at "${boundary}"`, `grep -Eqs "STEP ${words}" ${log}`];
};
const unpacking = (name: string): Moment => [
  `while dpkg unpacks ${name}`,
  `ls /var/lib/dpkg/updates/[0-9]* >/dev/null 2>&1 && test -e /var/lib/dpkg/info/${name}.list`,
];
const boundaries = ["docker.install START", ...steps.map((id) => `${id} SUCCESS`)];
const packages = ["docker-ce-cli", "gitlab-runner-helper-images"];
/** The short form kills the runs of one host at one moment of each kind. The soak has a host for each moment. */
const short = [at("docker.install START"), unpacking("gitlab-runner-helper-images"), at("runner.install SUCCESS")];
const killed: (readonly Moment[])[] = soak
  ? [...boundaries.map(at), ...packages.map(unpacking)].map((each) => [each])
  : [short];
/** State that is specific to the host: the address of its server, its own names, and the creation order of users. */
const own =
  /(docker|gitlab-runner)\.sources|edox-ops-gitlab-runner|runner_system_id|docker\/key\.json|\/etc\/(passwd|shadow|group|gshadow|subuid|subgid)/;

for (const suite of soak ? suites : (["bookworm"] as const)) {
  describe(`prepare-ci-host on ${suite}`, () => {
    let first: { state: string[]; seconds: number };
    let ci: CiHost;
    beforeAll(async () => {
      using made = await CiHost.up(suite);
      const start = performance.now();
      expect(made.prepare().code).toBe(0);
      first = { state: state(made), seconds: (performance.now() - start) / 1000 };
    });
    afterEach(() => ci?.[Symbol.dispose]());

    function state({ host }: CiHost): string[] {
      return stateOf(host).filter((line) => !own.test(line));
    }

    /** Runs the command again after any interruption, and verifies the result. */
    function endsWell(): void {
      const { code, stderr } = ci.prepare();
      expect([code, stderr]).toEqual([0, expect.stringMatching(/^(waiting at most .+\n)*$/)]);
      expect(state(ci)).toEqual(first.state);
      expect(ci.host.run(["dpkg", "--audit"]).stdout).toBe("");
      expect(ci.host.sh("docker version >/dev/null && gitlab-runner status >/dev/null; echo $?").stdout).toBe("0\n");
      expect(ci.ops("gitlab-runner", "prepare-ci-host", "--check", "--quiet").code).toBe(0);
    }

    /**
     * Starts the run in a unit and kills it with all its children as soon as this shell condition is true. A run may end
     * before it is seen.
     */
    function killedWhen(condition: string): void {
      const line = ["edox-ops", "gitlab-runner", "prepare-ci-host", "--yes", ...ci.mirrors].join(" ");
      const { code } = ci.host.raw([
        "/bin/bash",
        "-c",
        `systemd-run --quiet --collect --unit=victim --property=KillMode=control-group ${line}
        until ${condition}; do systemctl is-active -q victim || { ${condition}; exit; }; done
        systemctl kill -s KILL --kill-whom=all victim
        while systemctl is-active -q victim; do :; done`,
      ]);
      expect([condition, code]).toEqual([condition, 0]);
    }

    for (const moments of killed) {
      test(`prepare-ci-host: killed ${moments.map(([when]) => when).join(", then ")}`, async () => {
        ci = await CiHost.up(suite);
        for (const [, condition] of moments) killedWhen(condition);
        endsWell();
      });
    }

    for (const round of rounds(0, 10)) {
      test(`prepare-ci-host: killed at a random moment, ${round}`, async () => {
        ci = await CiHost.up(suite);
        const share = chance("ci", suite, round);
        const until = `[ $(date +%s%3N) -gt $((start + ${Math.round(share * first.seconds * 1000)})) ]`;
        killedWhen(`start=\${start:-$(date +%s%3N)}; ${until}`);
        endsWell();
        figure("prepare-ci-host killed", suite, share, "ended well");
      });
    }

    /** Cuts the power at a random moment of a run. */
    async function powerCut(round: string): Promise<void> {
      ci.host.sync();
      const unit = ["--quiet", "--unit=victim", "--property=KillMode=process"];
      const line = ["edox-ops", "gitlab-runner", "prepare-ci-host", "--yes", ...ci.mirrors];
      expect(ci.host.raw(["systemd-run", ...unit, ...line]).code).toBe(0);
      const share = chance("ci power", suite, round);
      await Bun.sleep(share * first.seconds * 1000);
      await ci.host.powerCut();
      endsWell();
      figure("prepare-ci-host, its power cut", suite, share, "ended well");
    }
    const disk = { commitSeconds: 1, contentFirst: true } as const;

    const [firstRound = "", ...otherRounds] = rounds(1, 5);
    for (const round of otherRounds) {
      test(`prepare-ci-host: its power cut, ${round}`, async () => {
        ci = await CiHost.up(suite, { disk });
        await powerCut(round);
      });
    }

    test(`prepare-ci-host: a missing network and a full disk are reported, and then its power cut, ${firstRound}`, async () => {
      ci = await CiHost.up(suite, { disk });
      ci.host.network("cut");
      const before = stateOf(ci.host);
      const cut = ci.prepare();
      expect([cut.code, cut.stderr]).toEqual([
        1,
        expect.stringMatching(/could not be fetched: .*(network is unreachable|no route to host|no answer)/),
      ]);
      expect(stateOf(ci.host)).toEqual(before);
      ci.host.network("up");

      expect(
        ci.host.sh("mkdir /filler; fallocate -l $((($(stat -f -c %a /) - 60 * 256) * 4096)) /filler/large").code,
      ).toBe(0);
      const full = ci.prepare();
      expect([full.code, full.stderr]).toEqual([1, expect.stringMatching(/no space left at \/|only \d+ MiB are free/)]);
      ci.host.sh("rm -r /filler");
      await powerCut(firstRound);
    });

    test("prepare-ci-host: failed intentionally at each step in turn", async () => {
      ci = await CiHost.up(suite);
      for (const id of [...steps, "runner.docker.access", "runner.docker.config", "prepare-ci-host.complete"]) {
        const { code, stderr } = ci.prepare("--fail-step", id);
        expect([code, stderr]).toEqual([1, expect.stringContaining(`CI runner host preparation failed at step ${id}`)]);
      }
      endsWell();
    });
  });
}
