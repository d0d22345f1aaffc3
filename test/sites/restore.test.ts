// The release that a restore selects, on a real file system.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { deploy } from "../../src/sites/deploy/deploy.ts";
import type { DeployRequest } from "../../src/sites/deploy/plan.ts";
import { stampName } from "../../src/sites/deploy/releases.ts";
import { restoreRequest } from "../../src/sites/deploy/requests.ts";
import { findRestoreSource } from "../../src/sites/deploy/restores.ts";
import { siteTarget } from "../../src/sites/target.ts";
import { project, TreeHost } from "./tree.ts";

const live = "/var/www/docs/demo";
const backups = "/var/www/docs/.edox-ops-backups/demo";
let host: TreeHost;
beforeEach(() => {
  host = new TreeHost();
});
afterEach(() => host[Symbol.dispose]());

const names = () => host.list(backups).filter((name) => !name.startsWith("."));
const version = () => host.text(`${live}/index.html`);
async function versions(...all: number[]): Promise<void> {
  for (const each of all) {
    host.write("/srv/site/index.html", `v${each}`);
    await host.deploy();
  }
}

describe("restore: without a backup's name", () => {
  test("selects the release before the live one, and a second run changes nothing", async () => {
    await versions(1, 2, 3, 4, 5, 6);
    const seen: string[] = [];
    for (let i = 0; i < 3; i++) {
      await host.restore();
      seen.push(version());
    }
    expect(seen).toEqual(["v5", "v5", "v5"]);
    expect(await host.restore()).toMatchObject({ changed: 0, backup: null });
  });

  test("selects the release that a deploy replaced", async () => {
    await versions(1, 2, 3);
    await host.restore();
    await versions(4);
    await host.restore();
    expect(version()).toBe("v2");
    await host.restore();
    expect(version()).toBe("v2");
    await versions(5, 6);
    await host.restore();
    expect(version()).toBe("v5");
  });

  test("skips a release that a restore left, which can still be selected by name", async () => {
    await versions(1, 2, 3);
    const left = (await host.restore())?.backup as string;
    await host.restore(left);
    expect(version()).toBe("v3");
    await host.restore();
    expect(version()).toBe("v2");
  });

  test("changes nothing if the only backup is the one that the restore made", async () => {
    await versions(1, 2);
    await host.restore(null, 1);
    expect([version(), names().length]).toEqual(["v1", 1]);
    expect(await host.restore(null, 1)).toBeNull();
    expect(version()).toBe("v1");
    host.write("/srv/site/index.html", "v3");
    await host.deploy({ backup: false });
    expect(await host.restore().catch((error) => error.message)).toBe(
      "demo has no backup that a deploy left: choose one with --backup",
    );
  });

  test("repairs a live tree that was edited since", async () => {
    await versions(1, 2, 3);
    await host.restore();
    host.remove(`${live}/index.html`);
    host.write(`${live}/index.html`, "edited");
    await host.restore();
    expect(version()).toBe("v2");
    await host.restore();
    expect(version()).toBe("v2");
  });
});

describe("restore: the record of restores", () => {
  const from = () => findRestoreSource(host.host, host.trees, siteTarget(project));

  test("describes the live tree only while that is the restored one", async () => {
    await versions(1, 2, 3);
    const [, source = ""] = names();
    expect(from()).toBeNull();
    await host.restore();
    expect(from()).toBe(source);
    await versions(4);
    expect(from()).toBeNull();
  });

  test("does not apply to a tree that the spare tree of a restore became", async () => {
    await versions(1, 2, 3);
    await host.restore();
    // The restored tree is the backup of the next deploy, then the spare tree, then the live tree again.
    const { ino } = host.stat(live);
    for (let i = 4; host.stat(live).ino !== ino || i === 4; i++) {
      host.write("/srv/site/deep/page.html", `v${i}`);
      await host.deploy({ keep: 1 });
      expect(i).toBeLessThan(9);
      if (host.stat(live).ino !== ino) expect(from()).toBeNull();
    }
    expect(from()).toBeNull();
  });

  /** Runs a restore up to this call, and leaves behind what a kill would. */
  async function killed(at: "exchange" | "move"): Promise<void> {
    const choices = { keep: 5, backup: true, allowEmpty: false, asks: false, again: [], dryRun: false };
    const request = (await restoreRequest(host.host, host.trees, { project, typed: null, choices })) as DeployRequest;
    const whole = host.trees[at];
    let isStaged = false;
    const part = (a: string, b: string) => {
      if (at === "exchange" || isStaged) throw new Error("killed");
      isStaged = true;
      return whole(a, b);
    };
    Object.assign(host.trees, { [at]: part });
    await deploy(host.host, host.trees, request).catch(() => {});
    request.letGo?.();
    Object.assign(host.trees, { [at]: whole });
  }

  test("is harmless if a restore was killed before its tree was live", async () => {
    await versions(1, 2, 3);
    await killed("exchange");
    expect([version(), from()]).toEqual(["v3", null]);
    expect(host.text(`${backups}/.restores`)).not.toBe("");
    await versions(4);
    await host.restore();
    expect(version()).toBe("v3");
    await host.restore();
    expect(version()).toBe("v3");
  });

  test("is valid if a restore was killed before the previous tree became a backup", async () => {
    await versions(1, 2, 3);
    await killed("move");
    expect(version()).toBe("v2");
    expect(names()).toHaveLength(2);
    await host.restore();
    expect(version()).toBe("v2");
    expect(names()).toHaveLength(3);
  });

  test("drops entries of missing trees, and ignores a damaged file", async () => {
    await versions(1, 2, 3);
    for (let i = 0; i < 4; i++) await host.restore(names().at(-1));
    expect(host.text(`${backups}/.restores`).split("\n").length).toBeLessThan(7);
    host.remove(`${backups}/.restores`);
    host.write(`${backups}/.restores`, "\0garbage\n20260101T000000Z ../../etc\n");
    expect(from()).toBeNull();
    await host.restore();
    expect(names()).toContain(stampName(Math.floor(host.stat(live).mtimeMs / 1000)));
  });
});
