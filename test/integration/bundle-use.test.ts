// A CI host without a network, and a real engine, which take packages and images from a bundle.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { ciBundle, configOf, imageBundle, recordPackages } from "./ci-bundle.ts";
import { CiHost } from "./ci-host.ts";
import { dindArchive } from "./dind-image.ts";
import { type Ended, must } from "./run.ts";
import { typedHint } from "./typed-hint.ts";

const bundle = "/root/ci.tar";
const tiny = "/root/tiny.tar";
let ci: CiHost;

beforeAll(async () => {
  using online = await CiHost.up("trixie", { tls: false });
  recordPackages(online);
  expect(online.prepare().code).toBe(0);
  const dind = `${online.host.root}${await dindArchive(online.host)}`;
  ci = await CiHost.up("trixie", { tls: false });
  ci.host.network("cut");
  const path = "images/dind.tar";
  const images = [{ reference: "docker:29-dind", config: configOf(dind), path }];
  await ciBundle(online, `${ci.host.root}${bundle}`, { images, contents: { [path]: dind } });
  flags.push(...online.mirrors);
  for (const version of [1, 2]) {
    const archive = `${online.host.root}/root/tiny.tar`;
    online.host.sh(`echo ${version} >/root/version; tar -cC /root version | docker import - tiny:1
      docker save -o /root/tiny.tar tiny:1`);
    const images = [{ reference: "tiny:1", config: configOf(archive), path: "images/tiny.tar" }];
    await imageBundle(`${ci.host.root}${tiny}.${version}`, "trixie", {
      images,
      contents: { "images/tiny.tar": archive },
    });
  }
});
afterAll(() => ci?.[Symbol.dispose]());

/** The repositories that the packages of the bundle are from. */
const flags: string[] = [];

const command = ["gitlab-runner", "prepare-ci-host", "--bundle"];

function prepare(path: string, ...more: string[]): Ended {
  return ci.ops(...command, path, "--json", ...flags, ...more);
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

test("bundle: the self-test runs with the image of the bundle", async () => {
  ci.host.network("up");
  ci.secret("token", await ci.gitlab.addRunner());
  const words = ["gitlab-runner", "register", "--url", ci.gitlab.url, "--profile", "ci", "--token-file", "/root/token"];
  expect(ci.ops(...words).code).toBe(0);
  const { code, stdout } = ci.ops("gitlab-runner", "selftest", "--bundle", bundle);
  expect([code, stdout.match(/^\[\w+\] \w+/gm)]).toEqual([
    0,
    ["[OK] daemon", "[OK] privileged", "[OK] build", "[OK] transfer"],
  ]);
  ci.host.network("cut");
});

test("bundle: a changed image of the same name is loaded again, in both image stores of Docker", () => {
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
    expect(ids.every((id) => id.startsWith("sha256:"))).toBe(true);
    expect(ids[0]).not.toBe(ids[1]);
  }
  ci.host.sh(`rm ${config}; ${restart}`);
});

test("bundle: one flipped bit in an image is refused, and nothing is loaded", () => {
  ci.host.sh("docker rmi -f docker:29-dind tiny:1");
  const path = `${ci.host.root}${bundle}`;
  const size = Number(must(["stat", "-c", "%s", path]));
  const images = () => ci.host.sh("docker images -aq --no-trunc").stdout;
  const before = images();
  // In the last image, which ends the file.
  flip(path, size - 5000);
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
  flip(path, size - 5000);
});

test("bundle: a full disk of Docker is named before an image is loaded, and the hint shows what fills it", () => {
  ci.host.sh("cd /var/lib/docker; fallocate -l $(($(df --output=avail -BM . | tail -1 | tr -d M) - 100))M full");
  const { code, stderr } = ci.ops(...command, bundle, "--yes", ...flags);
  ci.host.sh("rm /var/lib/docker/full");
  expect([code, stderr]).toEqual([
    1,
    expect.stringContaining("no space left at /var/lib/docker to load docker:29-dind"),
  ]);
  expect(typedHint(ci.host, stderr)).toMatch(/^Images +\d+ /m);
});

test("bundle: an archive that Docker rejects is an error, and the hint shows the engine", async () => {
  const images = [{ reference: "junk:1", config: `sha256:${"a".repeat(64)}`, path: "images/junk.tar" }];
  const contents = { "images/junk.tar": Buffer.alloc(10_000, "junk") };
  await imageBundle(`${ci.host.root}/root/junk.tar`, "trixie", { images, contents });
  const { code, stderr } = ci.ops(...command, "/root/junk.tar", "--yes", ...flags);
  expect([code, stderr]).toEqual([1, expect.stringContaining("docker load --quiet failed")]);
  expect(typedHint(ci.host, stderr)).toContain("Active: active (running)");
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
