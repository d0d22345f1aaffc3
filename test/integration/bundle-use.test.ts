// A CI host without a network from before its first start, and a real engine, which take packages and images from a bundle.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { closeSync, openSync, readSync, writeFileSync, writeSync } from "node:fs";
import { tarOf } from "../bundle/small.ts";
import { createBundle } from "./bundle.ts";
import { CiHost } from "./ci-host.ts";
import { runnerVersions, spoiled } from "./ci-packages.ts";
import { cachedDindArchive } from "./dind-image.ts";
import { type Ended, must } from "./run.ts";
import { typedHint } from "./typed-hint.ts";

const [old, newer] = runnerVersions;
const bundle = "/root/ci.tar";
const tiny = "/root/tiny.tar";
const update = "/root/update.tar";
/** All bundles but the update have the same age, so that the host accepts them in any order. */
let serial: number;
const system = ["--suite", "trixie", "--arch", "amd64", "--program", "none"];
let ci: CiHost;

beforeAll(async () => {
  const dind = await cachedDindArchive();
  // The vendors publish a newer gitlab-runner later.
  ci = await CiHost.up("trixie", { tls: false, isDark: true, folder: (all) => spoiled(all, "gitlab", "old") });
  // Without a link nothing can be sent. With one, every attempt is counted.
  ci.host.countPackets();
  expect(ci.ops("doctor", "--inventory", "/root/inventory.json").code).toBe(0);
  const first = [...withRunner(), "--for", onHost("/root/inventory.json"), "--image", dind];
  serial = createBundle(onHost(bundle), first).created?.serial ?? 0;
  for (const version of [1, 2]) {
    const image = onHost("/root/tiny-image.tar");
    writeFileSync(image, archiveOf("tiny:1", tarOf([["version", Buffer.from(`${version}\n`)]])));
    createBundle(onHost(`${tiny}.${version}`), [...system, "--image", image], { serial });
  }
});
afterAll(() => ci?.[Symbol.dispose]());

/** Returns the path on this machine of a file of the host. */
function onHost(path: string): string {
  return `${ci.host.root}${path}`;
}

/** Returns an image of one layer in the older format of docker save, which other programs write. */
function archiveOf(name: string, layer: Uint8Array): Buffer {
  const digest = (bytes: Uint8Array | string) => new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
  const rootfs = { type: "layers", diff_ids: [`sha256:${digest(layer)}`] };
  const config = JSON.stringify({ architecture: "amd64", os: "linux", config: {}, rootfs });
  const list = [{ Config: `${digest(config)}.json`, RepoTags: [name], Layers: ["layer.tar"] }];
  return tarOf([
    [`${digest(config)}.json`, Buffer.from(config)],
    ["layer.tar", layer],
    ["manifest.json", Buffer.from(JSON.stringify(list))],
  ]);
}

/** Returns the flags for a bundle with the engine and the runner. */
function withRunner(): string[] {
  return [...system, "--with", "docker,runner", ...ci.mirrors];
}

const command = ["gitlab-runner", "prepare-ci-host", "--bundle"];

function prepare(path: string, ...more: string[]): Ended {
  return ci.ops(...command, path, "--json", ...ci.mirrors, ...more);
}

/** systemd refuses to start a service that was started several times in a minute. */
const restart = "systemctl reset-failed docker; systemctl restart docker";

/** Returns the outcome of each step. */
function outcomes({ stdout }: Ended): Record<string, string> {
  const { steps } = JSON.parse(stdout) as { steps: { id: string; result: string }[] };
  return Object.fromEntries(steps.map(({ id, result }) => [id, result]));
}

/** Returns the error of the run or of its failed step. */
function failureOf({ stdout }: Ended): unknown {
  const { error, steps } = JSON.parse(stdout) as { error?: unknown; steps?: { error?: unknown }[] };
  return error ?? steps?.find((step) => step.error !== undefined)?.error;
}

const imageId = (reference: string): string =>
  ci.host.sh(`docker image inspect --format '{{.Id}}' ${reference} 2>/dev/null`).stdout.trim();

test("bundle: a bare host without a network gets engine, runner and images, and the second run changes nothing", () => {
  const dry = prepare(bundle, "--dry-run", "--check");
  expect([dry.code, outcomes(dry)["images.load"]]).toEqual([3, "pending"]);
  const first = prepare(bundle, "--yes");
  expect([first.code, failureOf(first)]).toEqual([0, undefined]);
  expect(outcomes(first)).toMatchObject({ "docker.install": "changed", "images.load": "changed" });
  const second = prepare(bundle, "--yes");
  expect([...new Set(Object.values(outcomes(second)))]).toEqual(["ok"]);
});

test("bundle: the self-test passes with the image of the bundle, and no packet was sent since the first start", () => {
  const { code, stdout } = ci.ops("gitlab-runner", "selftest", "--bundle", bundle);
  expect([code, stdout.match(/^\[\w+\] \w+/gm)]).toEqual([
    0,
    ["[OK] daemon", "[OK] privileged", "[OK] build", "[SKIP] transfer"],
  ]);
  expect(ci.host.packetsSent()).toBe(0);
  // The host's own packets are counted, and so are those of its containers.
  const send = "bash -c 'echo >/dev/udp/192.0.2.1/9'";
  ci.host.sh(`${send}; docker run --rm --entrypoint /bin/bash docker:29-dind -c 'echo >/dev/udp/192.0.2.1/9'`);
  expect(ci.host.packetsSent()).toBe(2);
});

test("bundle: a changed image of the same name, and one that the engine saved, are loaded in both image stores of Docker", () => {
  const config = "/etc/docker/daemon.json";
  for (const features of ["{}", '{"features":{"containerd-snapshotter":true}}']) {
    ci.host.sh(`mkdir -p /etc/docker; echo '${features}' >${config}; ${restart}`);
    const ids: string[] = [];
    for (const version of ["1", "2"]) {
      const ended = prepare(`${tiny}.${version}`, "--yes");
      expect([features, failureOf(ended), outcomes(ended)["images.load"]]).toEqual([features, undefined, "changed"]);
      ids.push(imageId("tiny:1"));
      expect(outcomes(prepare(`${tiny}.${version}`, "--yes"))["images.load"]).toBe("ok");
    }
    // The engine writes an archive in the form of its store.
    ci.host.sh("docker save -o /root/saved.tar tiny:1");
    createBundle(onHost("/root/saved-bundle.tar"), [...system, "--image", onHost("/root/saved.tar")], { serial });
    expect(outcomes(prepare("/root/saved-bundle.tar", "--yes"))["images.load"]).toBe("ok");
    ci.host.sh("docker rmi -f tiny:1");
    expect(outcomes(prepare("/root/saved-bundle.tar", "--yes"))["images.load"]).toBe("changed");
    expect(ids.every((id) => id.startsWith("sha256:"))).toBe(true);
    expect(ids[0]).not.toBe(ids[1]);
  }
  ci.host.sh(`rm ${config}; ${restart}`);
});

test("bundle: a run that is killed while it loads an image is finished by the next one", () => {
  ci.host.sh("docker rmi -f docker:29-dind");
  const argv = ["edox-ops", ...command, bundle, "--yes", ...ci.mirrors];
  const killed = ci.host.raw([
    ...["/bin/bash", "-c"],
    `systemd-run --quiet --unit=victim ${argv.join(" ")}
    until pgrep -x docker >/dev/null && ls /var/lib/docker/tmp/docker-import-* >/dev/null 2>&1; do
      systemctl is-active -q victim || exit 1
    done
    systemctl kill -s KILL --kill-whom=all victim
    while systemctl is-active -q victim; do :; done`,
  ]);
  expect([killed.code, imageId("docker:29-dind")]).toEqual([0, ""]);
  const again = prepare(bundle, "--yes");
  expect([again.code, outcomes(again)["images.load"]]).toEqual([0, "changed"]);
  expect(imageId("docker:29-dind")).toMatch(/^sha256:/);
});

test("bundle: one flipped bit in an image is refused, and nothing is loaded", () => {
  ci.host.sh("docker rmi -f docker:29-dind tiny:1");
  const path = onHost(bundle);
  const [, block] = /^block (\d+): images\//m.exec(must(["tar", "-tRf", path])) ?? [];
  const middle = Number(block) * 512 + 20_000_000;
  const images = () => ci.host.sh("docker images -aq --no-trunc").stdout;
  const before = images();
  flip(path, middle);
  for (const [name, ended] of [
    ["prepare-ci-host", prepare(bundle, "--yes")],
    ["selftest", ci.ops("gitlab-runner", "selftest", "--bundle", bundle, "--json")],
  ] as const) {
    expect([name, ended.code, JSON.parse(ended.stdout).error]).toMatchObject([
      name,
      1,
      { code: "invalid-bundle", message: expect.stringContaining("the bundle is damaged") },
    ]);
    expect(images()).toBe(before);
  }
  flip(path, middle);
});

test("bundle: a full disk of Docker is named before an image is loaded, and the hint shows what fills it", () => {
  ci.host.sh("cd /var/lib/docker; fallocate -l $(($(df --output=avail -BM . | tail -1 | tr -d M) - 100))M full");
  const { code, stderr } = ci.ops(...command, bundle, "--yes", ...ci.mirrors);
  ci.host.sh("rm /var/lib/docker/full");
  expect([code, stderr]).toEqual([
    1,
    expect.stringContaining("no space left at /var/lib/docker to load docker:29-dind"),
  ]);
  expect(typedHint(ci.host, stderr)).toMatch(/^Images +\d+ /m);
});

test("bundle: an archive that Docker rejects is an error, and the hint shows the engine", () => {
  writeFileSync(onHost("/root/junk-image.tar"), archiveOf("junk:1", Buffer.from("junk".repeat(2500))));
  createBundle(onHost("/root/junk.tar"), [...system, "--image", onHost("/root/junk-image.tar")], { serial });
  const { code, stderr } = ci.ops(...command, "/root/junk.tar", "--yes", ...ci.mirrors);
  expect([code, stderr]).toEqual([1, expect.stringContaining("docker load --quiet failed")]);
  expect(typedHint(ci.host, stderr)).toContain("Active: active (running)");
});

test("bundle: a later bundle upgrades the runner, an earlier one is then refused, and so are differences to an unknown one", async () => {
  const runnerVersion = () => ci.host.run(["gitlab-runner", "--version"]).stdout.split("\n")[0];
  expect(runnerVersion()).toContain(old);
  await ci.server.swap(ci.packages.folder);
  expect(ci.ops("doctor", "--inventory", "/root/later.json").code).toBe(0);
  const differences = ["--since", onHost(bundle), "--for", onHost("/root/later.json")];
  const created = createBundle(onHost(update), [...withRunner(), ...differences]).created;
  expect([created?.packages, created?.images]).toEqual([2, []]);
  const upgrade = (path: string): Ended => ci.ops("gitlab-runner", "upgrade", "--bundle", path);
  expect([upgrade(update), runnerVersion()]).toMatchObject([{ code: 0, stderr: "" }, expect.stringContaining(newer)]);
  for (const ended of [upgrade(bundle), ci.ops(...command, bundle, "--yes", ...ci.mirrors)]) {
    expect(ended).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("is older than the newest bundle that this host has accepted"),
    });
  }
  expect(ci.ops("gitlab-runner", "upgrade", "--bundle", bundle, "--allow-older").code).toBe(0);
  expect(runnerVersion()).toContain(newer);
  ci.host.sh("mv /etc/edox-ops/bundle.json /root/accepted.json");
  const stranger = upgrade(update);
  ci.host.sh("mv /root/accepted.json /etc/edox-ops/bundle.json");
  expect(stranger).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("has only what changed since the bundle"),
  });
});

test("bundle: gitlab-runner install takes the runner alone from it", () => {
  expect(ci.ops("gitlab-runner", "uninstall", "--yes").code).toBe(0);
  const installed = ci.ops("gitlab-runner", "install", "--bundle", update, "--yes", ...ci.runnerMirror);
  expect([installed.code, installed.stderr]).toEqual([0, ""]);
  expect(ci.host.run(["systemctl", "is-active", "gitlab-runner"]).stdout).toBe("active\n");
});

function flip(path: string, at: number): void {
  const fd = openSync(path, "r+");
  try {
    const byte = Buffer.alloc(1);
    readSync(fd, byte, 0, 1, at);
    byte[0] = (byte[0] ?? 0) ^ 1;
    writeSync(fd, byte, 0, 1, at);
  } finally {
    closeSync(fd);
  }
}
