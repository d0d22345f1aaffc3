// The confirmation that is offered at a terminal to an operator who came over SSH.

import { afterEach, expect, test } from "bun:test";
import { answers, asked, typed, variables } from "../cli/typed.ts";
import type { FakeHost } from "../fake-host.ts";
import { hardenableHost } from "./hardened-host.ts";
import { dropIn, sshHost } from "./ssh-host.ts";

const offered = "Roll them back unless a new login runs sudo edox-ops host confirm within 10 minutes? [Y/n] ";

afterEach(() => {
  for (const name of Object.keys(variables)) delete variables[name];
  answers.length = 0;
});

/** Has this run started by the sshd that serves 203.0.113.9. */
function overSsh(host: FakeHost): FakeHost {
  const process = (pid: number, name: string, parent: number): void => {
    host.dir(`/proc/${pid}`);
    host.put(`/proc/${pid}/stat`, `${pid} (${name}) S ${parent} 0 0`);
  };
  process(50, "edox-ops", 10);
  process(10, "sshd", 1);
  host.link("/proc/self", "50");
  host.link("/proc/10/fd/4", "socket:[200]");
  const socket = "1: 016433C6:0016 097100CB:C500 01 00000000:00000000 02:000A 00000000     0        0 200 4";
  for (const pid of ["10", "50"]) host.put(`/proc/${pid}/net/tcp`, `  sl  local_address\n   ${socket}\n`);
  host.put("/proc/self/net/tcp", `  sl  local_address\n   ${socket}\n`);
  return host;
}

/** Types the line at a terminal. Returns its exit code and the last lines of its questions. */
async function questions(host: FakeHost, line: string, ...typedAnswers: boolean[]) {
  asked.length = 0;
  variables.COLUMNS = "120";
  answers.push(...typedAnswers);
  const { exit, err, out } = await typed(line, host, true);
  return { exit, text: out + err, asked: asked.map((each) => each.split("\n").at(-1)) };
}

test("host ssh-harden: at a terminal over SSH, a confirmation by a new login is offered, and its lack undoes the change", async () => {
  const host = overSsh(sshHost());
  const ended = await questions(host, "host ssh-harden", true, true);
  expect([ended.exit, ended.asked]).toEqual([1, ["Apply these changes? [y/N] ", offered]]);
  expect(ended.text).toContain("no new login confirmed the change within 10 min");
  expect(host.stat(dropIn)).toBe(null);
});

test("host ssh-harden: a declined offer applies the change by the proof alone", async () => {
  const host = overSsh(sshHost());
  expect(await questions(host, "host ssh-harden", true, false)).toMatchObject({ exit: 0, asked: { length: 2 } });
  expect(host.stat(dropIn)).not.toBe(null);
});

test("host ssh-harden: no confirmation is offered with --yes, --confirm-within, on a console, or without a change", async () => {
  expect(await questions(overSsh(sshHost()), "host ssh-harden --yes")).toMatchObject({ exit: 0, asked: [] });
  expect((await questions(overSsh(sshHost()), "host ssh-harden --confirm-within 1m")).asked).toHaveLength(1);
  const host = sshHost();
  expect(await questions(host, "host ssh-harden")).toMatchObject({ exit: 0, asked: { length: 1 } });
  expect(await questions(overSsh(host), "host ssh-harden")).toMatchObject({ exit: 0, asked: [] });
});

test("host ssh-harden, host firewall: what would lock everyone out is refused before it is confirmed", async () => {
  const host = overSsh(hardenableHost());
  expect((await typed("host firewall --yes --only host.firewall.install", host)).exit).toBe(0);
  host.put("/etc/passwd", (host.text("/etc/passwd") ?? "").replace(/^alice.*\n/m, ""));
  const onlyRoot = "only root can log in and become root, and this change disables that login";
  expect(await questions(host, "host ssh-harden", true)).toMatchObject({
    ...{ exit: 1, asked: [] },
    text: expect.stringContaining(onlyRoot),
  });
  const harden = await questions(host, "host harden --all --skip host.ssh-harden.install", true, false);
  expect([harden.exit, harden.asked.length, harden.text.split(onlyRoot).length]).toEqual([1, 2, 3]);
  host.remove("/root/.ssh/authorized_keys");
  host.put("/etc/default/ufw", 'IPV6=no\nDEFAULT_INPUT_POLICY="DROP"\nDEFAULT_OUTPUT_POLICY="ACCEPT"\n');
  expect(await questions(host, "host firewall", true)).toMatchObject({
    ...{ exit: 1, asked: [] },
    text: expect.stringContaining("no user who can become root logs in with a key"),
  });
});

test("host harden: a confirmation is offered only for parts that may cut off the admin", async () => {
  const host = overSsh(sshHost());
  expect((await questions(host, "host logrotate")).asked).not.toContain(offered);
  expect((await questions(host, "host harden --only host.harden.record")).asked).toHaveLength(1);
  expect((await questions(host, "host harden --all --only host.ssh-harden.configure", true, false)).asked[1]).toBe(
    offered,
  );
});
