import { describe, expect, test } from "bun:test";
import { bootstrap } from "../../src/bootstrap/recipe.ts";
import { converge } from "../../src/engine/converge.ts";
import { gatherFacts } from "../../src/engine/facts.ts";
import { prepareCiHost } from "../../src/runner/recipe.ts";
import { uninstallation } from "../../src/runner/uninstall.ts";
import { publicKeys } from "../../src/signature/openpgp.ts";
import { dockerKey, fakeDebian, runnerKey } from "../fake-debian.ts";
import { type FakeHost, ok } from "../fake-host.ts";

const fingerprintOf = (key: Uint8Array): string => publicKeys(key)[0]?.fingerprint ?? "";
const mirrors = {
  docker: { fingerprint: fingerprintOf(dockerKey) },
  runner: { fingerprint: fingerprintOf(runnerKey) },
};

/** Simulates etckeeper: it remembers the content of /etc, and aborts apt if that has changed since. */
function keeping(setting: string, ipv6 = true): { host: FakeHost; commit: () => void } {
  const host = fakeDebian({ ipv6 });
  host.put("/usr/bin/etckeeper", "");
  host.put("/etc/etckeeper/etckeeper.conf", `VCS="git"\n${setting}\n`);
  const files = (): string =>
    JSON.stringify(Object.entries(host.listing("/etc/")).filter(([, is]) => /^[fl]/.test(is)));
  let known = files();
  const commit = (): void => {
    known = files();
  };
  host.taught.unshift(([program, ...words]) => {
    if (program === "etckeeper" && words[0] === "unclean")
      return { code: known === files() ? 1 : 0, stdout: "", stderr: "" };
    if (program === "etckeeper") {
      if (known === files()) return { code: 1, stdout: "nothing to commit\n", stderr: "" };
      commit();
      return ok();
    }
    if (program !== "rmdir") return undefined;
    host.remove(words[0] ?? "");
    return ok();
  });
  const { run } = host;
  host.run = async (argv, options) => {
    const installs = argv[0] === "apt-get" && argv.includes("install") && !argv.includes("--simulate");
    if (installs && setting.startsWith("AVOID") && known !== files()) {
      const stderr = "E: Problem executing scripts DPkg::Pre-Invoke 'etckeeper pre-install'\n";
      return { code: 100, stdout: "", stderr };
    }
    const answer = await run(argv, options);
    if (installs) commit();
    return answer;
  };
  return { host, commit };
}

const avoid = "AVOID_COMMIT_BEFORE_INSTALL=1";
const prepare = (host: FakeHost) => converge(prepareCiHost(gatherFacts(host), mirrors).steps, host, { act: host });
const outcomes = (results: Awaited<ReturnType<typeof prepare>>) =>
  results.flatMap(({ id, outcome, problem }) => (outcome === "failed" ? [`${id}: ${problem?.message}`] : []));

describe("etckeeper: apt is aborted on uncommitted changes", () => {
  test("etckeeper: foreign uncommitted changes stop a run before any change, and the hint commits them", async () => {
    const { host } = keeping(avoid);
    host.put("/etc/motd", "by hand");
    const before = host.listing();
    const [docker] = await prepare(host);
    expect(docker?.problem).toMatchObject({
      message: "/etc has uncommitted changes, and etckeeper aborts apt then (AVOID_COMMIT_BEFORE_INSTALL=1)",
      hint: ["sudo", "etckeeper", "commit", "before edox-ops"],
    });
    expect([host.listing(), host.ran]).toEqual([before, []]);
  });

  test("etckeeper: keys, sources and the user are committed before the packages that need them, and on removal too", async () => {
    const { host, commit } = keeping(avoid);
    expect(outcomes(await prepare(host))).toEqual([]);
    commit();
    const steps = uninstallation({ purge: false, docker: true }).steps;
    expect(outcomes(await converge(steps, host, { act: host }))).toEqual([]);
  });

  test("etckeeper: on a host without IPv6, bootstrap commits the link that disables the welcome site", async () => {
    const { host } = keeping(avoid, false);
    const results = await converge(bootstrap(gatherFacts(host)).steps, host, { act: host });
    expect(outcomes(results)).toEqual([]);
    expect(results[0]?.warnings).toEqual([]);
  });

  test("etckeeper: without AVOID_COMMIT_BEFORE_INSTALL, commits are left to etckeeper itself", async () => {
    const { host } = keeping(`#${avoid}`);
    host.put("/etc/motd", "by hand");
    expect(outcomes(await prepare(host))).toEqual([]);
    expect(host.ran.filter((line) => line.startsWith("etckeeper"))).toEqual([]);
  });
});
