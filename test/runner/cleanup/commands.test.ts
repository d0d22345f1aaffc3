// The commands of the cleanup, on a fake host with a fake engine.

import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import { documentSchema } from "../../../src/report/schema.ts";
import { eventsUnit, timerUnit } from "../../../src/runner/cleanup/units.ts";
import { cleanupDir, cleanupPath, dockerEventsPath, lastUsePath } from "../../../src/runner/paths.ts";
import { typedWords, variables } from "../../cli/typed.ts";
import { preparedRunner } from "../prepared-runner.ts";
import { addDocker, cleanable, eventLine, managed } from "./fake-docker.ts";

const cacheName = `runner-x-cache-${"0".repeat(32)}`;

async function prepared() {
  const { host, ops } = await preparedRunner();
  host.put("/usr/local/bin/edox-ops", "this one", { mode: 0o755 });
  const docker = addDocker(host);
  const cleanup = (...words: string[]) => ops("cleanup", ...words);
  return { host, docker, cleanup };
}

async function withCandidates() {
  const { host, ops } = await preparedRunner();
  host.put("/usr/local/bin/edox-ops", "this one", { mode: 0o755 });
  const docker = cleanable(host);
  const cleanup = (...words: string[]) => ops("cleanup", ...words);
  const removed = async (...words: string[]) => {
    const { out } = await cleanup("run", "--json", ...words);
    const { cleanup: part } = v.parse(documentSchema, JSON.parse(out));
    return part?.removed?.map(({ kind, name, why }) => `${kind} ${name} ${why}`);
  };
  return { host, docker, cleanup, removed };
}

describe("cleanup enable", () => {
  test("cleanup enable: it installs both units, and a second run changes nothing", async () => {
    const { host, cleanup } = await prepared();
    expect(await cleanup("enable", "--yes")).toMatchObject({ exit: 0, err: "" });
    expect(JSON.parse(host.text(cleanupPath) ?? "")).toEqual({ keep: { share: 0.15 }, unused_for_days: null });
    expect(host.stat(cleanupPath)?.mode).toBe(0o600);
    expect(host.stat(cleanupDir)?.mode).toBe(0o700);
    const events = host.text(`/etc/systemd/system/${eventsUnit}`) ?? "";
    expect(events).toContain("ExecStart=/usr/bin/docker events --since 10m --format '{{json .}}' --filter type=image ");
    expect(host.text("/etc/systemd/system/edox-ops-cleanup.service")).toContain(
      "edox-ops gitlab-runner cleanup run --quiet\n",
    );
    expect(await cleanup("enable", "--check", "--json")).toMatchObject({ exit: 0 });
  });

  test("cleanup enable: a setting that is not typed stays as it was", async () => {
    const { host, cleanup } = await prepared();
    const settings = () => JSON.parse(host.text(cleanupPath) ?? "");
    await cleanup("enable", "--keep", "20GiB", "--unused-for", "7d", "--yes");
    expect(settings()).toEqual({ keep: { bytes: 20 * 1024 ** 3 }, unused_for_days: 7 });
    await cleanup("enable", "--keep", "12.5%", "--yes");
    expect(settings()).toEqual({ keep: { share: 0.125 }, unused_for_days: 7 });
    await cleanup("enable", "--unused-for", "never", "--yes");
    expect(settings()).toEqual({ keep: { share: 0.125 }, unused_for_days: null });
  });

  for (const flags of [
    ["--keep", "20"],
    ["--keep", "0%"],
    ["--keep", "95%"],
    ["--keep", "1MB"],
    ["--keep", "99999999TiB"],
    ["--keep", "20 GiB"],
    ["--unused-for", "7"],
    ["--unused-for", "0d"],
    ["--unused-for", "400d"],
  ]) {
    test(`cleanup enable: ${flags.join(" ")} is refused with an example, and changes nothing`, async () => {
      const { host, cleanup } = await prepared();
      const before = host.listing();
      expect(await cleanup("enable", ...flags, "--yes")).toMatchObject({
        exit: 2,
        err: expect.stringContaining("for example"),
      });
      expect(host.listing()).toEqual(before);
    });
  }

  test("cleanup enable: without Docker, or with Podman in its place, it changes nothing", async () => {
    for (const change of ["podman", "no command", "no engine"]) {
      const { host, cleanup } = await prepared();
      if (change === "no command") host.remove("/usr/bin/docker");
      else host.remove("/run/docker.sock");
      if (change === "podman") host.link("/run/docker.sock", "/run/podman/podman.sock");
      const before = host.listing("/etc/systemd");
      const { exit, err } = await cleanup("enable", "--yes");
      expect([change, exit]).toEqual([change, 1]);
      expect(err).toMatch(/hint: /);
      expect(host.listing("/etc/systemd")).toEqual(before);
      expect(host.stat(cleanupPath)).toBeNull();
    }
  });

  test("cleanup enable: more than the disk of Docker has is refused, and changes nothing", async () => {
    const { host, cleanup } = await prepared();
    const before = host.listing();
    const { exit, err } = await cleanup("enable", "--keep", "90GiB", "--yes");
    expect([exit, err]).toEqual([
      1,
      expect.stringContaining("--keep 90.0 GiB is too much for /var/lib/docker, whose disk has 93.1 GiB"),
    ]);
    expect(host.listing()).toEqual(before);
  });

  test("cleanup enable: invalid settings of before are named, and stay", async () => {
    const { host, cleanup } = await prepared();
    host.put(cleanupPath, '{"keep": {"share": 7}}', { mode: 0o600 });
    expect(await cleanup("enable", "--yes")).toMatchObject({ exit: 1, err: expect.stringContaining(cleanupPath) });
  });
});

describe("cleanup run", () => {
  test("cleanup run: it removes in the order of last use until enough space is free, and nothing foreign", async () => {
    const { docker, removed } = await withCandidates();
    const expected = [`volume ${cacheName} space`, "image node:22 space"];
    expect(await removed("--dry-run")).toEqual(expected);
    expect(docker.images).toHaveLength(3);
    expect(await removed()).toEqual(expected);
    expect(docker.images.map(({ RepoTags }) => RepoTags[0])).toEqual(["ruby:3", "mine:1"]);
    expect(docker.volumes.map(({ Name }) => Name)).toEqual(["data"]);
    expect(await removed()).toEqual([]);
  });

  test("cleanup run: what the engine refuses to remove stays with a warning, and the next one is removed", async () => {
    const { docker, cleanup } = await withCandidates();
    docker.refused.set("sha256:node", "conflict: image is being used by running container 1234");
    const { exit, out, err } = await cleanup("run");
    expect([exit, out]).toEqual([0, expect.stringContaining("Removed image ruby:3")]);
    expect(err).toContain("image node:22 stays: conflict: image is being used by running container 1234");
  });

  test("cleanup run: a disk that stays too full is reported with its free space, also by a dry run", async () => {
    const { docker, cleanup } = await withCandidates();
    docker.images = docker.images.filter(({ RepoTags }) => RepoTags[0] === "mine:1");
    docker.volumes = [];
    for (const flags of [["--dry-run"], []]) {
      const { exit, out, err } = await cleanup("run", ...flags);
      expect([exit, out]).toEqual([0, ""]);
      expect(err).toMatch(
        /^warning: [\d.]+ GiB are free in \/var\/lib\/docker, less than 46\.6 GiB, and nothing more may be removed /,
      );
    }
  });

  test("cleanup run: an image that a job uses now stays", async () => {
    const { docker, removed } = await withCandidates();
    const container = { Id: "c", ImageID: "sha256:node", State: "running", Created: 1 };
    docker.containers = [{ ...container, Labels: managed }];
    expect(await removed()).toEqual([`volume ${cacheName} space`, "image ruby:3 space"]);
  });

  test("cleanup run: with --unused-for, what nothing used for longer is removed although enough space is free", async () => {
    const { host, docker, removed } = await withCandidates();
    docker.free = 99e9;
    const settings = (unused_for_days: number | null) =>
      host.put(cleanupPath, JSON.stringify({ keep: { share: 0.5 }, unused_for_days }), { mode: 0o600 });
    settings(null);
    expect(await removed()).toEqual([]);
    settings(4 / 24);
    expect(await removed()).toEqual([`volume ${cacheName} unused`, "image node:22 unused"]);
    expect(docker.images.map(({ Id }) => Id)).toEqual(["sha256:ruby", "sha256:mine"]);
  });

  test("cleanup run: build cache is removed in its turn", async () => {
    const { docker, removed, host } = await withCandidates();
    const LastUsedAt = new Date(host.now() - 8 * 3_600_000).toISOString();
    docker.cache = [{ ID: "a", Size: 30e9, InUse: false, LastUsedAt }];
    expect(await removed()).toEqual(["cache 1 record space"]);
    expect(host.asked.some((each) => each.startsWith("POST http://docker/build/prune?all=true&filters="))).toBe(true);
  });

  test("cleanup run: build cache that the engine keeps without an error is no removal, and images make room", async () => {
    const { docker, host, removed } = await withCandidates();
    const LastUsedAt = new Date(host.now() - 8 * 3_600_000).toISOString();
    Object.assign(docker, { cache: [{ ID: "a", Size: 30e9, InUse: false, LastUsedAt }], keepsCache: true });
    expect(await removed()).toEqual([`volume ${cacheName} space`, "image node:22 space"]);
  });

  test("cleanup run: events in the file and in the engine's memory count, and the file is emptied after the record", async () => {
    const { docker, host, removed } = await withCandidates();
    const ran = (image: string, minutes: number) =>
      eventLine("container", "die", "c1", host.now() - minutes * 60_000, { ...managed, image });
    host.put(dockerEventsPath, `${ran("sha256:node", 30)}\n{"torn`);
    docker.events = [eventLine("volume", "mount", cacheName, host.now() - 60_000)];
    expect(await removed()).toEqual(["image ruby:3 space", "image node:22 space"]);
    expect(host.text(dockerEventsPath)).toBe("");
    expect(JSON.parse(host.text(lastUsePath) ?? "").volumes[cacheName]).toBeGreaterThan(host.now() - 70_000);
  });

  test("cleanup run: a job that starts while something is removed keeps the images that it may rely on", async () => {
    const { docker, removed } = await withCandidates();
    docker.meanwhile = () => {
      const Labels = {
        ...managed,
        "com.gitlab.gitlab-runner.job.id": "7",
        "com.gitlab.gitlab-runner.type": "predefined",
      };
      docker.containers = [{ Id: "c", ImageID: "sha256:helper", State: "running", Created: 1, Labels }];
    };
    expect(await removed()).toEqual([`volume ${cacheName} space`]);
    expect(docker.images).toHaveLength(3);
  });

  test("cleanup run: what is used while something else is removed is no longer the next to be removed", async () => {
    const { docker, host, removed } = await withCandidates();
    docker.meanwhile = () => {
      docker.events = [
        eventLine("image", "pull", "node:22", host.now()),
        eventLine("volume", "mount", "data", host.now()),
      ];
    };
    expect(await removed()).toEqual([`volume ${cacheName} space`, "image ruby:3 space"]);
  });

  test("cleanup run: what frees an image or a volume is followed by its removal in the same run", async () => {
    const { docker, host, removed } = await withCandidates();
    const [job, type] = ["com.gitlab.gitlab-runner.job.id", "com.gitlab.gitlab-runner.type"];
    const Labels = { ...managed, [job]: "7", [type]: "build" };
    const Created = host.now() / 1000 - 5 * 3600;
    docker.containers = [{ Id: "left", ImageID: "sha256:node", State: "dead", Created, Labels }];
    expect(await removed()).toEqual([`volume ${cacheName} space`, "container left space", "image node:22 space"]);
  });

  test("cleanup run: a pull during a long removal is recorded, so that its image does not stay for ever", async () => {
    const { docker, host, removed } = await withCandidates();
    docker.meanwhile = () => {
      docker.meanwhile = () => {};
      docker.images.push({ Id: "sha256:go", RepoTags: ["go:1"], RepoDigests: [], Size: 1e9 });
      const at = host.now();
      const ran = eventLine("container", "create", "c1", at + 2, { ...managed, image: "go:1" });
      host.put(dockerEventsPath, `${eventLine("image", "pull", "go:1", at + 1)}\n${ran}\n`);
      void host.sleep(60_000);
    };
    await removed();
    expect(JSON.parse(host.text(lastUsePath) ?? "").images["sha256:go"].origin).toBe("runner");
  });

  test("cleanup run: an engine that stops during a cleanup is reported, and the events stay for the next one", async () => {
    const { docker, host, cleanup } = await withCandidates();
    host.put(dockerEventsPath, `${eventLine("image", "pull", "go:1", host.now() - 1)}\n`);
    docker.meanwhile = () => host.served.unshift(() => ({ status: 0, reason: "no answer within 10 s" }));
    const { exit, out } = await cleanup("run", "--json");
    const { error, cleanup: part } = v.parse(documentSchema, JSON.parse(out));
    expect([exit, error?.message]).toEqual([1, expect.stringContaining("no answer within 10 s")]);
    expect(error?.hint).toEqual(["systemctl", "status", "docker"]);
    // What was removed before that is gone.
    expect(part?.removed).toHaveLength(1);
    expect(host.text(dockerEventsPath)).toContain("go:1");
  });

  test("cleanup run: an interruption says that what was removed before is gone, and lists it", async () => {
    const { docker, host, cleanup } = await withCandidates();
    docker.meanwhile = () => Object.assign(host, { signal: { name: "SIGTERM", number: 15 } });
    const { exit, out, err } = await cleanup("run");
    expect([exit, out.match(/^Removed /gm)?.length]).toEqual([143, 1]);
    expect(err).toStartWith("error: interrupted by SIGTERM; what was removed before is gone\nhint: ");
  });

  test("cleanup run: an engine that takes too long for one removal goes on with the next", async () => {
    const { host, cleanup } = await withCandidates();
    host.served.unshift((method, url) =>
      method === "DELETE" && url.includes("node") ? { status: 0, reason: "no answer within 300 s" } : undefined,
    );
    const { exit, out, err } = await cleanup("run");
    expect([exit, out]).toEqual([0, expect.stringContaining("Removed image ruby:3")]);
    expect(err).toContain("image node:22 stays: no answer within 300 s");
  });

  test("cleanup run and status: an engine that measures for two minutes, and is slow to answer at all, is waited for", async () => {
    const { host, removed, cleanup } = await withCandidates();
    // The engine reads the size of each file in each volume.
    host.served.unshift((_, url, { limitMs = 30_000 }) =>
      url.includes("/system/df") && limitMs < 120_000 ? { status: 0, reason: "no answer within 30 s" } : undefined,
    );
    host.served.unshift((_, url, { limitMs = 30_000 }) =>
      url.endsWith("/_ping") && limitMs < 30_000 ? { status: 0, reason: "no answer within 3 s" } : undefined,
    );
    expect((await cleanup("status")).err).toBe("");
    expect(await removed()).toHaveLength(2);
  });

  test("cleanup run and status: names and reasons of the engine cannot control a terminal", async () => {
    const { docker, cleanup } = await withCandidates();
    const odd = "a\u001b[2J\u202e\nRemoved image b";
    for (const [i, each] of docker.images.entries()) each.RepoTags = [`${odd}${i}`];
    docker.volumes.push({ Name: `runner-${odd}-cache-${"1".repeat(32)}`, CreatedAt: odd, Size: -1 });
    docker.refused.set("sha256:node", `conflict ${odd}`);
    for (const words of [["status"], ["run", "--dry-run"], ["run"], ["status", "--json"]]) {
      const { exit, out, err } = await cleanup(...words);
      expect([exit, (out + err).match(/[^\P{C}\n]/u)]).toEqual([words[0] === "status" ? 1 : 0, null]);
      expect((out + err).split("\n").filter((line) => line.startsWith("Removed image b"))).toEqual([]);
    }
  });

  test("cleanup run: a full disk on which the record cannot be written is still cleaned", async () => {
    const { docker, host, cleanup } = await withCandidates();
    host.broken.add(lastUsePath);
    expect((await cleanup("run")).exit).toBe(1);
    expect(docker.images).toHaveLength(2);
  });

  test("cleanup run: a damaged record is replaced, is reported, and makes nothing removable", async () => {
    const { docker, host, cleanup } = await withCandidates();
    host.put(lastUsePath, '{"images": 7}');
    const { exit, err } = await cleanup("run");
    expect([exit, err]).toEqual([0, expect.stringContaining(`${lastUsePath} is invalid`)]);
    expect(docker.images).toHaveLength(3);
    expect((await cleanup("run")).err).not.toContain("is invalid");
  });

  test("cleanup run: without a cleanup it fails, and names the command that enables it", async () => {
    const { cleanup } = await prepared();
    expect(await cleanup("run")).toMatchObject({
      exit: 1,
      err: expect.stringContaining("gitlab-runner cleanup enable --yes"),
    });
  });

  test("cleanup run: an engine that answers nonsense changes nothing", async () => {
    const { host, cleanup } = await withCandidates();
    const before = host.listing();
    host.served.unshift((_, url) =>
      url.startsWith("http://docker/images") ? { status: 200, body: new TextEncoder().encode("<html>") } : undefined,
    );
    const { exit, err } = await cleanup("run");
    expect([exit, err]).toEqual([1, expect.stringContaining("does not answer images/json")]);
    expect(err).toContain("hint: systemctl status docker\n");
    host.remove("/run/docker.sock");
    delete before["/run/docker.sock"];
    expect(await cleanup("run")).toMatchObject({ exit: 1, err: expect.stringContaining("no Docker answers") });
    expect(host.listing()).toEqual(before);
  });
});

describe("cleanup status and disable", () => {
  test("cleanup status: it lists what may be removed in order, and what stays", async () => {
    const { cleanup } = await withCandidates();
    const { exit, out } = await cleanup("status", "--json");
    const { cleanup: part } = v.parse(documentSchema, JSON.parse(out));
    // No unit is installed here.
    expect([exit, part?.timer_active, part?.events_active]).toEqual([1, false, false]);
    expect(part?.removable?.map(({ name }) => name)).toEqual([cacheName, "node:22", "ruby:3"]);
    expect(part?.foreign_images?.map(({ name }) => name)).toEqual(["mine:1"]);
    expect(await cleanup("status")).toMatchObject({ out: expect.stringContaining("stays image mine:1: 18.6 GiB\n") });
  });

  test("cleanup status: a terminal shows the disks and what is removed next", async () => {
    variables.COLUMNS = "100";
    try {
      const { host, cleanup } = await withCandidates();
      expect((await cleanup("status")).out).toBe(`RUNS            its timer is not active
RECORDS USE     no: its service is not active
REMOVES UNUSED  never
REMOVABLE       3 items, 46.6 GiB
STAYS           1 image, 18.6 GiB

DISK             FREE      WANTED
/var/lib/docker  23.3 GiB  46.6 GiB

NEXT    NAME                                             SIZE      LAST USED
volume  ${cacheName}  9.3 GiB   6 hours ago
image   node:22                                          18.6 GiB  5 hours ago
image   ruby:3                                           18.6 GiB  2 hours ago
`);
      host.remove(cleanupPath);
      expect((await cleanup("status")).out).toContain("edox-ops gitlab-runner cleanup enable\n");
    } finally {
      delete variables.COLUMNS;
    }
  });

  test("cleanup disable: it removes its units and files, and an uninstall of the runner or of edox-ops does so too", async () => {
    for (const line of ["gitlab-runner cleanup disable", "gitlab-runner uninstall", "uninstall"]) {
      const { host, ops } = await preparedRunner();
      host.put("/usr/local/bin/edox-ops", "this one", { mode: 0o755 });
      addDocker(host);
      await ops("cleanup", "enable", "--yes");
      host.put(dockerEventsPath, "");
      // systemd takes an empty file for a mask, and disables no such unit.
      for (const unit of [eventsUnit, timerUnit]) host.put(`/etc/systemd/system/${unit}`, "");
      const { exit, err } = await typedWords([...line.split(" "), "--yes"], host);
      expect([line, exit, err]).toEqual([line, 0, expect.any(String)]);
      const left = Object.keys(host.listing()).filter((path) => /cleanup/.test(path));
      expect(left).toEqual([]);
    }
  });
});
