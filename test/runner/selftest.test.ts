// Tests the commands and the output of the self-test with a fake engine. A real engine is tested in
// test/integration/selftest.test.ts.

import { expect, test } from "bun:test";
import { makeBundle } from "../bundle/small.ts";
import { typedWords } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";
import { ok } from "../fake-host.ts";

const section = `[[runners]]\nname = "a"\nurl = "https://gitlab.test"\ntoken = "glrt-0123456789"\nexecutor = "docker"\n[runners.docker]\nimage = "x"\nprivileged = true\nvolumes = ["/cache", "/certs/client", "/srv:/srv:ro"]\n`;

function engine(fails: (line: string) => boolean) {
  const host = fakeDebian();
  host.put("/run/docker.sock", "");
  host.put("/etc/gitlab-runner/config.toml", section, { mode: 0o600 });
  const lines: string[] = [];
  host.taught.unshift((argv) => {
    if (argv[0] !== "docker") return undefined;
    const line = argv.slice(1).join(" ");
    lines.push(line);
    if (fails(line)) return { code: 1, stdout: "", stderr: "it does not\n" };
    if (argv[1] === "load") return ok("Loaded image: dind:1\n");
    if (line.includes("Config.Volumes")) return ok("/cache\n/var/lib/docker\n\n");
    return ok(`${argv[1]}-${lines.length}\n`);
  });
  return { host, lines, ops: (...words: string[]) => typedWords(["gitlab-runner", "selftest", ...words], host) };
}

test("selftest: the containers have the volumes, privileges and network of the runner's jobs", async () => {
  const { lines, ops } = engine(() => false);
  const { exit, out } = await ops();
  expect(exit).toBe(0);
  expect(out.replace(/\d+ ms/g, "1 ms")).toMatchSnapshot();
  const created = lines.filter((line) => line.startsWith("create "));
  expect(created).toHaveLength(2);
  for (const line of created) expect(line).toMatch(/--privileged .*|:\/certs\/client --volume \/srv:\/srv:ro/);
});

test("selftest: a full disk of Docker's is named first, whichever command meets it", async () => {
  for (const [word, words] of [
    ["load", ["--image", "/root/dind.tar"]],
    ["pull", []],
    ["create", ["--image", "/root/dind.tar"]],
  ] as const) {
    const { host, ops } = engine((line) => line.startsWith("image inspect docker:"));
    const stderr = "write /blobs/sha256/1e89: no space left on device\n";
    host.taught.unshift((argv) =>
      argv[0] === "docker" && argv[1] === word ? { code: 1, stdout: "", stderr } : undefined,
    );
    const { exit, err } = await ops(...words);
    expect([exit, err]).toEqual([1, expect.stringContaining("error: Docker has no space left on its disk\n")]);
    expect(err).toContain("hint: docker system df\n");
  }
});

/** Returns how long a self-test waits for a daemon that does not answer, whose container is in this state. */
async function waitsFor(state: string, edit: (config: string) => string = (config) => config): Promise<number> {
  const { host, lines, ops } = engine((line) => line.includes("docker version"));
  host.put("/etc/gitlab-runner/config.toml", edit(section), { mode: 0o600 });
  host.taught.unshift(([program, word]) => {
    if (program === "docker" && word === "exec") void host.sleep(2000);
    return program === "docker" && word === "inspect" ? ok(`${state}\n`) : undefined;
  });
  const begun = host.now();
  const { exit, out } = await ops();
  expect([exit, out]).toEqual([
    1,
    expect.stringContaining("[FAIL] daemon: it does not; last output of the daemon: logs-"),
  ]);
  expect(lines.some((line) => line.startsWith("logs --tail 5 create-"))).toBe(true);
  return host.now() - begun;
}

test("selftest: a daemon is waited for half a minute, and no longer than its container runs", async () => {
  expect(await waitsFor("true")).toBeWithin(30_000, 33_000);
  expect(await waitsFor("false")).toBeLessThan(3000);
});

test("selftest: a daemon whose certificate no volume shares with the job is not waited for", async () => {
  for (const [volumes, leastMs, mostMs] of [
    ['"/cache"', 0, 3000],
    ['"/srv/certs:/certs:ro"', 30_000, 33_000],
  ] as const) {
    const edit = (config: string): string => config.replace('"/certs/client"', volumes);
    expect(await waitsFor("true", edit)).toBeWithin(leastMs, mostMs);
  }
});

test("selftest: packets that are lost are retried with a smaller MTU, and the printed job sets that MTU", async () => {
  const { ops } = engine((line) => / mtu=|mtu=1(500|460)/.test(line));
  const { exit, out } = await ops();
  expect(exit).toBe(0);
  expect(out).toContain('command: ["--mtu=1400", "--default-network-opt=bridge=com.docker.network.driver.mtu=1400"]');
  const none = await engine((line) => line.includes("mtu=")).ops("--json");
  expect([none.exit, JSON.parse(none.out)]).toMatchObject([1, { outcome: "failed", selftest: { mtu: null } }]);
});

test("selftest: an image that cannot be pulled or loaded is reported with a hint to save one", async () => {
  const pulled = await engine((line) => line.startsWith("pull") || line.startsWith("image inspect")).ops(
    ...["--runner", "a"],
  );
  const line = "gitlab-runner selftest --runner a --image dind.tar";
  expect(pulled.err).toContain(`hint: edox-ops ${line}\n`);
  expect(pulled.err).toContain("save it with `docker save`, and give it here with --image");
  const loaded = await engine((line) => line.startsWith("load")).ops("--image", "/none.tar");
  expect(loaded.err).toContain("/none.tar contains no image of docker save");
});

test("selftest: a runner that does not exist or has no Docker is named", async () => {
  expect((await engine(() => false).ops("--runner", "b")).err).toContain(
    "there is no runner b with the docker executor",
  );
  const bare = await typedWords(["gitlab-runner", "selftest"]);
  expect([bare.exit, bare.err]).toEqual([1, expect.stringContaining("no runner of this host has the docker executor")]);
});

test("selftest: a second run names the first one and changes nothing", async () => {
  const { host, lines, ops } = engine(() => false);
  host.locks.set("/run/edox-ops/selftest.lock", { pid: 7, command: "edox-ops gitlab-runner selftest", sinceMs: 0 });
  const { exit, err } = await ops("--runner", "a");
  expect([exit, err]).toEqual([75, expect.stringContaining("edox-ops gitlab-runner selftest (pid 7, since")]);
  expect(err).toContain("hint: edox-ops gitlab-runner selftest --runner a\n");
  expect(lines).toEqual([]);
  host.locks.clear();
  expect((await ops()).exit).toBe(0);
  expect(host.locks.size).toBe(0);
});

test("selftest: all objects have its label, volumes of the image included, and only labelled ones are removed", async () => {
  const { lines, ops } = engine(() => false);
  expect((await ops()).exit).toBe(0);
  const made = lines.filter((line) => /^(create|network create|volume create) /.test(line));
  for (const line of made) expect(line).toContain("--label edox-ops.selftest");
  // The runner's settings need two volumes, and the image one for each of the two containers.
  expect(made.filter((line) => line.startsWith("volume "))).toHaveLength(4);
  for (const line of made.filter((line) => line.startsWith("create "))) {
    expect(line.match(/--volume \S+:\/var\/lib\/docker/g)).toHaveLength(1);
    expect(line.match(/--volume \S+:\/cache/g)).toHaveLength(1);
  }
  for (const line of lines.filter((line) => /^(ps|volume ls|network ls) /.test(line))) {
    expect(line).toEndWith("--filter label=edox-ops.selftest");
  }
});

test("selftest: a signal in the last measurement ends it with 130, and everything is removed", async () => {
  const { host, lines, ops } = engine((line) => {
    if (line.includes("mtu=1500")) host.signal = { name: "SIGINT", number: 2 };
    return false;
  });
  const { exit, out, err } = await ops();
  expect([exit, out, err]).toEqual([130, "", expect.stringContaining("interrupted by SIGINT")]);
  const last = lines.findIndex((line) => line.includes("mtu=1500"));
  expect(lines.slice(last + 1).map((line) => line.split(" ")[0])).toEqual(
    expect.arrayContaining(["ps", "rm", "volume", "network"]),
  );
});

const reference = "registry.test/docker:29-dind";
const config = `sha256:${"a".repeat(64)}`;

/** Returns a host with an engine, and with a bundle that has the image of the daemon. */
async function engineWithBundle() {
  const found = engine(() => false);
  found.host.dir("/srv");
  const path = "images/dind.tar";
  const images = [{ reference, config, path }];
  await makeBundle(found.host, "/srv/edox.tar", { [path]: Buffer.from("layers") }, { changes: { images } });
  found.host.served.unshift((_, url) => {
    if (url !== `http://docker/images/${reference}/json`) return undefined;
    const isLoaded = found.host.fed.length > 0;
    return isLoaded ? { status: 200, body: Buffer.from(JSON.stringify({ Id: config })) } : { status: 404, reason: "" };
  });
  return found;
}

test("selftest --bundle: loads the image of the daemon from the bundle, and only if it is missing in the engine", async () => {
  const { host, lines, ops } = await engineWithBundle();
  const first = await ops("--bundle", "/srv/edox.tar");
  expect(first.exit).toBe(0);
  expect(first.out).toContain(`services: ["${reference}"]`);
  expect(Buffer.concat(host.fed).toString()).toBe("layers");
  const created = lines.filter((line) => line.startsWith("create "));
  expect(created.every((line) => line.includes(reference))).toBe(true);
  expect((await ops("--bundle", "/srv/edox.tar")).exit).toBe(0);
  expect(lines.filter((line) => line.startsWith("load"))).toHaveLength(1);
});

test("selftest --bundle: no transfer is measured, and the output names the reason", async () => {
  const { lines, ops } = await engineWithBundle();
  const { exit, out } = await ops("--bundle", "/srv/edox.tar");
  expect([exit, out]).toEqual([0, expect.stringContaining("[SKIP] transfer: a run with --bundle uses no network\n")]);
  expect(lines.filter((line) => line.includes("https://gitlab.test"))).toEqual([]);
  const { selftest } = JSON.parse((await ops("--bundle", "/srv/edox.tar", "--json")).out);
  expect(selftest).toMatchObject({
    runner: "a",
    measured: [{ name: "daemon" }, { name: "privileged" }, { name: "build" }],
    skipped: [{ name: "transfer" }],
    mtu: null,
  });
});

test("selftest --bundle: without a runner, which an offline host cannot register, it has the settings of the profile ci", async () => {
  const { host, lines, ops } = await engineWithBundle();
  host.put("/etc/gitlab-runner/config.toml", section.replace('"docker"', '"shell"'), { mode: 0o600 });
  const { exit, out } = await ops("--bundle", "/srv/edox.tar", "--json");
  expect([exit, JSON.parse(out).selftest.runner]).toEqual([0, null]);
  const created = lines.filter((line) => line.startsWith("create "));
  expect(created).toHaveLength(2);
  for (const line of created)
    expect(line).toMatch(/ --volume \S+:\/cache --volume \S+:\/certs\/client .*--privileged /);
  expect((await ops("--runner", "b", "--bundle", "/srv/edox.tar")).err).toContain("there is no runner b with");
});

test("selftest --bundle: a bundle without the image, and --image beside it, are refused", async () => {
  const { host, ops } = engine(() => false);
  host.dir("/srv");
  await makeBundle(host, "/srv/edox.tar", {});
  const { exit, err } = await ops("--bundle", "/srv/edox.tar");
  expect([exit, err]).toEqual([1, expect.stringContaining("/srv/edox.tar does not contain the image docker:29-dind")]);
  const both = await ops("--bundle", "/srv/edox.tar", "--image", "/root/dind.tar");
  expect([both.exit, both.err]).toEqual([2, expect.stringContaining("--image and --bundle cannot be used together")]);
});
