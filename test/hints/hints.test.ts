// Types every hint as printed, in the state that produces it, and checks that it fixes the state or shows the cause.

import { describe, expect, test } from "bun:test";
import { examine } from "../../src/doctor/doctor.ts";
import { siteChecks } from "../../src/sites/checks.ts";
import { shellLine } from "../../src/text/lines.ts";
import { typedWords, variables } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";
import type { FakeHost } from "../fake-host.ts";
import { fakeGitLab } from "../runner/fake-gitlab.ts";
import { SiteHost } from "../sites/site-host.ts";
import { registeredHost } from "../sites/typed-deploy.ts";
import { absentCases } from "./absent-cases.ts";
import { aptCases } from "./apt-cases.ts";
import { backupCases } from "./backup-cases.ts";
import { bundleCases } from "./bundle-cases.ts";
import { type Case, cases } from "./cases.ts";
import { certsCases } from "./certs-cases.ts";
import { ciCases } from "./ci-cases.ts";
import { createCases } from "./create-cases.ts";
import { firewallCases } from "./firewall-cases.ts";
import { keysCases } from "./keys-cases.ts";
import { answerCases, machineCases } from "./machine-cases.ts";
import { piCases } from "./pi-cases.ts";
import { runnerCases, runnerHost } from "./runner-cases.ts";
import { keepsFlags, siteCases } from "./site-cases.ts";
import { sshCases } from "./ssh-cases.ts";
import { treeCases } from "./tree-cases.ts";
import { asked, liveHost, tree, type } from "./typing.ts";
import { upkeepCases } from "./upkeep-cases.ts";
import { usageCases } from "./usage-cases.ts";
import { seenByUser, userCases } from "./user-cases.ts";
import { versionCases } from "./version-cases.ts";
import { watchCases } from "./watch-cases.ts";
import { hintIn, run, wordsOf } from "./words.ts";

/** Types the hint of a state, once or more, and checks that the state is fixed or the cause is shown. */
async function expectHelp(host: FakeHost, { from, after = from, shows, lifts, steps = 1 }: Omit<Case, "state" | "of">) {
  for (let step = 1; step <= steps; step++) {
    const { fine, hint, said } = await asked(host, from);
    expect([fine, said, hint.length > 0]).toEqual([false, said, true]);
    lifts?.(host);
    const { exit, out } = await type(host, hint);
    if (shows !== undefined) expect(out).toContain(shows);
    else expect([hint.join(" "), exit, out]).toEqual([hint.join(" "), 0, out]);
  }
  if (shows !== undefined) return;
  const { fine, said } = await asked(host, after);
  expect([said, fine]).toEqual([said, true]);
}

describe("hint, typed as printed:", () => {
  for (const { of, state, ...row } of [
    ...cases,
    ...aptCases,
    ...backupCases,
    ...bundleCases,
    ...certsCases,
    ...ciCases,
    ...firewallCases,
    ...keysCases,
    ...piCases,
    ...sshCases,
    ...upkeepCases,
    ...usageCases,
    ...watchCases,
  ]) {
    test(`${of} (${row.from})`, async () => {
      const host = await liveHost();
      await state(host);
      await expectHelp(host, row);
    });
  }
});

describe("hint of a CI host, typed as printed:", () => {
  for (const { of, state, ...row } of runnerCases) {
    test(`${of} (${row.from})`, async () => {
      const runners = await runnerHost();
      await state(runners);
      await expectHelp(runners.host, row);
    });
  }
});

describe("hint for a user without root, typed as root:", () => {
  for (const { of, state, from, says, shows } of userCases) {
    test(`${of} (${from})`, async () => {
      const host = await (from.startsWith("gitlab-runner") ? runnerHost().then((runners) => runners.host) : liveHost());
      const hidden = state?.(host) ?? "/none";
      const { out, err } = await typedWords(from.split(" "), seenByUser(host, hidden));
      expect(out + err).toMatch(says);
      const hint = /(?:run|hint): (sudo [\w -]+)/.exec(says.exec(out + err)?.[0] ?? "")?.[1] ?? "";
      const root = await type(host, hint.split(" "));
      expect([hint, root.exit, root.out]).toEqual([hint, 0, expect.stringContaining(shows)]);
    });
  }
});

describe("hint about what is not set up, typed as printed at a terminal:", () => {
  for (const { of, check, host: which } of absentCases) {
    test(`${of} (${check})`, async () => {
      const host = which === "bare" ? fakeDebian() : await runnerHost().then((runners) => runners.host);
      if (which === "runner") host.put("/etc/gitlab-runner/config.toml", "concurrent = 1\n", { mode: 0o600 });
      variables.COLUMNS = "1000";
      const { out } = await typedWords(["doctor", "--all"], host).finally(() => delete variables.COLUMNS);
      const [, printed = ""] = new RegExp(`^– .*${check}.*\\n {2}→ edox-ops (.*)$`, "m").exec(out) ?? [];
      const words = printed.split(" ");
      // What changes the host is typed as a dry run: the tests of these commands apply them, with keys of their own.
      const typed = await typedWords(words.includes("--help") ? words : [...words, "--dry-run"], host);
      expect([printed, typed.exit]).toEqual([
        expect.stringMatching(/./),
        check.includes("runner:") && which === "bare" ? 1 : 0,
      ]);
    });
  }
});

describe("hint about an unexpected response of GitLab, typed as printed:", () => {
  for (const { of, words: wordsFor, status, headers, body, shows } of answerCases) {
    test(of, async () => {
      await using server = Bun.serve({ port: 0, fetch: () => new Response(body, { status, headers }) });
      const url = `http://127.0.0.1:${server.port}`;
      const { host } = await runnerHost();
      const answer = { status, body: new TextEncoder().encode(body) };
      if (wordsFor) host.served.unshift((_, asked) => (asked.startsWith(url) ? answer : undefined));
      fakeGitLab(host, url).next.push(...Array(5).fill({ status, headers, body, type: headers["content-type"] }));
      const register = ["gitlab-runner", "register", "--url", url, "--profile", "ci", "--token", "glrt-0123456789"];
      const words = wordsFor?.(url) ?? register;
      const hint = wordsOf(hintIn((await typedWords(words, host)).err));
      expect(hint[0]).toBe("curl");
      const typed = Bun.spawn(hint, { stdout: "pipe", stderr: "pipe" });
      expect((await typed.stdout.text()) + (await typed.stderr.text())).toContain(shows);
    });
  }
});

/** Returns the words that give a shell a namespace of its own, in which it is root. */
function unshare(flag: string): string[] {
  return ["unshare", flag, ...(process.geteuid?.() === 0 ? [] : ["--map-root-user"])];
}

describe("hint about this machine, typed as printed:", () => {
  for (const { of, hint, before = ":", afterwards = ":", within, shows } of [...machineCases, ...createCases]) {
    test(of, async () => {
      const words = wordsOf(await hint());
      const after = typeof afterwards === "string" ? afterwards : afterwards(words);
      const line = `${before}; ${shellLine(words)} 2>&1; ${after}`;
      const typed = Bun.spawnSync([...(within ? unshare(within) : []), "sh", "-c", line]);
      expect([line, typed.stdout.toString()]).toEqual([line, expect.stringContaining(shows)]);
    });
  }
});

describe("hint of a deploy, typed as printed:", () => {
  for (const { of, state, from, after, shows, page } of treeCases) {
    test(`${of} (${from})`, async () => {
      using disk = registeredHost();
      disk.write("/srv/new/index.html", "new");
      const typedOn = (words: readonly string[]) => {
        return typedWords(words, disk.host, undefined, undefined, "/usr/bin/edox-ops", disk.trees);
      };
      await state(disk);
      const { err } = await typedOn(from.split(" "));
      const hint = hintIn(err);
      expect([err, hint.length > 0]).toEqual([err, true]);
      const [program = "", ...rest] = wordsOf(hint);
      if (program !== "edox-ops") {
        const { stdout, stderr, exitCode } = run([program, ...rest], disk.root);
        if (after === undefined) return expect(`${stdout}${stderr}`).toContain(shows as string);
        expect([hint, exitCode, await typedOn(after.split(" "))]).toMatchObject([hint, 0, { exit: 0 }]);
        expect(disk.text(`${tree}/index.html`)).toBe(page as string);
        return;
      }
      const { exit, out, err: failed } = await typedOn(rest);
      expect([hint, exit, failed]).toEqual([hint, 0, failed]);
      if (shows !== undefined) return expect(out).toContain(shows);
      if (page !== undefined) expect(disk.text(`${tree}/index.html`)).toBe(page);
      if (from.includes("validate")) expect(await typedOn(from.split(" "))).toMatchObject({ exit: 0 });
    });
  }
});

/** Returns the hint of the finding of this name, or of a command that fails. */
async function hintOf(site: SiteHost, from: string): Promise<readonly string[]> {
  if (/^[\w-]+:\S/.test(from)) {
    const findings = await examine(site.host, [], await siteChecks(site.host, async () => site.trees));
    return findings.find(({ name }) => name === from)?.hint ?? [];
  }
  const { out, err } = await site.type(from);
  return hintIn(err + out);
}

describe("hint of a host with real trees and an nginx in memory, typed as printed:", () => {
  for (const { of, state, lifts, ends, needsFlags = false, from, shows, after = from } of [
    ...siteCases,
    ...versionCases,
  ]) {
    test.skipIf(needsFlags && !keepsFlags)(`${of} (${from})`, async () => {
      using site = await SiteHost.bootstrapped();
      try {
        await state(site);
        const hint = await hintOf(site, from);
        expect([from, hint.length > 0]).toEqual([from, true]);
        lifts?.(site);
        const words = wordsOf(hint);
        const { exit, said } = await typeOn(site, words);
        if (shows !== undefined) return expect(said).toContain(shows);
        expect([words, exit, said]).toEqual([words, 0, said]);
        const again = await site.type(after);
        expect(again).toMatchObject({ exit: 0, err: "" });
        expect(hintIn(again.out)).toEqual([]);
      } finally {
        ends?.(site);
      }
    });
  }
});

/** Types a hint on such a host. */
async function typeOn(site: SiteHost, words: readonly string[]): Promise<{ exit: number; said: string }> {
  if (words[0] !== "edox-ops") {
    const { exitCode, stdout, stderr } = run(words, site.disk.root);
    return { exit: exitCode, said: `${stdout}${stderr}` };
  }
  const { exit, out, err } = await typedWords(words.slice(1), site.host, undefined, undefined, undefined, site.trees);
  return { exit, said: out + err };
}
