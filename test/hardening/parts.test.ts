// Several parts of the hardening at once, on a Debian in memory.

import { expect, test } from "bun:test";
import type { Change } from "../../src/engine/change.ts";
import { converge } from "../../src/engine/converge.ts";
import { journalDir, recoverServicePath, unconfirmedPath } from "../../src/engine/paths.ts";
import type { StepResult } from "../../src/engine/step.ts";
import { type Harden, harden } from "../../src/hardening/parts/harden.ts";
import { parts } from "../../src/hardening/parts/parts.ts";
import { unharden } from "../../src/hardening/parts/unharden.ts";
import { atTerminal, bootstrap, typed } from "../cli/typed.ts";
import type { FakeHost } from "../fake-host.ts";
import { isUfwActive, rulesOf } from "./fake-ufw.ts";
import { hardenableHost, unguarded } from "./hardened-host.ts";
import { addOutside } from "./outside.ts";

const record = "/etc/edox-ops/host.json";
const jail = "/etc/fail2ban/jail.d/edox-ops-sshd.local";
const ssh = "/etc/ssh/sshd_config.d/00-edox-ops.conf";
const dropIn = "/etc/systemd/system/nginx.service.d/edox-ops.conf";
const logrotate = "/etc/logrotate.d/edox-ops";

async function nginxHost(): Promise<FakeHost> {
  const host = await bootstrap(hardenableHost());
  host.put("/usr/sbin/nginx", "");
  return host;
}

const apply = (host: FakeHost, wanted: Harden = {}) => converge(unguarded(harden(wanted).steps), host, { act: host });
const plan = (host: FakeHost, wanted: Harden = {}) => converge(unguarded(harden(wanted).steps), host, {});
const failures = (results: readonly StepResult[]) =>
  results.flatMap(({ id, problem }) => (problem ? [`${id}: ${problem.message}`] : []));
const changesOf = (results: readonly StepResult[]): Change[] => results.flatMap(({ changes }) => changes);

async function remove(host: FakeHost, ...names: string[]) {
  const chosen = parts.filter(({ name }) => names.length === 0 || names.includes(name));
  const recipe = await unharden(host, chosen);
  const results = await converge(unguarded(recipe.steps), host, { act: host });
  return { recipe, failed: failures(results) };
}

/** The files of /etc, apart from those of packages. */
function etc(host: FakeHost): Record<string, string> {
  const ofPackages = /^\/etc\/default$|fail2ban\/?(jail\.d)?$|20auto-upgrades|fail2ban\.service|logrotate\.d$|\bufw\b/;
  return Object.fromEntries(Object.entries(host.listing("/etc/")).filter(([path]) => !ofPackages.test(path)));
}

test("host harden: records the port, applies the parts of the contract, and has nothing to do again", async () => {
  const host = await nginxHost();
  expect(failures(await apply(host, { sshPort: 2222 }))).toEqual([]);
  expect(JSON.parse(host.text(record) ?? "")).toMatchObject({ ssh_port: 2222 });
  expect(host.text(jail)).toContain("port = 22,2222\n");
  expect([isUfwActive(host), rulesOf(host).ipv4.length > 0]).toEqual([true, true]);
  expect([ssh, logrotate, dropIn].map((path) => host.stat(path))).toEqual([null, null, null]);
  expect(changesOf(await plan(host))).toEqual([]);
  expect(failures(await apply(host, { all: true }))).toEqual([]);
  for (const path of [ssh, logrotate, dropIn]) expect(host.stat(path)).not.toBeNull();
  expect(changesOf(await plan(host, { all: true }))).toEqual([]);
});

test("host harden: never bans the address of the session, and keeps its port open", async () => {
  const host = await nginxHost();
  const [client, server] = [
    { address: "203.0.113.9", port: 40_000 },
    { address: "198.51.100.1", port: 2022 },
  ];
  expect(failures(await apply(host, { session: { client, server, user: null, key: null } }))).toEqual([]);
  expect(host.text(jail)).toContain(" 203.0.113.9\n");
  expect(JSON.stringify(rulesOf(host))).toContain("2022");
});

test("host harden: a part that fails does not keep the others from being applied", async () => {
  const host = await nginxHost();
  host.put("/etc/apt/apt.conf.d/99off", 'APT::Periodic::Enable "0";\n');
  host.taught.unshift((argv) =>
    argv.join(" ") === "fail2ban-client --test" ? { code: 255, stdout: "", stderr: "bad file\n" } : undefined,
  );
  expect(failures(await apply(host, { all: true }))).toEqual([
    expect.stringMatching(/^host.security-updates.configure: .*99off/),
    expect.stringMatching(/^host.fail2ban.configure: fail2ban-client --test failed/),
  ]);
  expect(host.stat(jail)).toBeNull();
  expect(isUfwActive(host)).toBe(true);
  for (const path of [ssh, logrotate, dropIn]) expect(host.stat(path)).not.toBeNull();
});

test("host harden: a part whose requirement is not met stops only itself", async () => {
  const host = await nginxHost();
  host.nodes.delete("/run/systemd/units/invocation:ssh.service");
  expect(failures(await apply(host, { all: true }))).toEqual([expect.stringContaining("host.ssh-harden")]);
  for (const path of [jail, logrotate, dropIn]) expect(host.stat(path)).not.toBeNull();
});

/** Confirms at each poll of a run that waits, and counts the waits. */
function confirming(host: FakeHost): { waits: number } {
  const { sleep } = host;
  const seen = { waits: 0 };
  host.sleep = async (ms) => {
    await sleep(ms);
    if (host.stat(unconfirmedPath) === null || host.stat("/run/edox-ops/confirmed") !== null) return;
    seen.waits += 1;
    host.put("/run/edox-ops/confirmed", "");
  };
  return seen;
}

test("host harden --all --confirm-within: one confirmation keeps all parts", async () => {
  const host = await nginxHost();
  const seen = confirming(host);
  expect(await typed("host harden --all --confirm-within 1m --yes", host)).toMatchObject({ exit: 0 });
  expect([seen.waits, isUfwActive(host), host.stat(ssh) === null]).toEqual([1, true, false]);
  expect([host.list(journalDir), host.stat(recoverServicePath)]).toEqual([[], null]);
  expect(await typed("host unharden --confirm-within 1m --yes", host)).toMatchObject({ exit: 0 });
  expect([seen.waits, isUfwActive(host), host.stat(ssh)]).toEqual([2, false, null]);
});

test("host harden --all --confirm-within: without a confirmation each guarded part is rolled back", async () => {
  const host = await nginxHost();
  const { exit, out, err } = await typed("host harden --all --confirm-within 1m --yes", host);
  expect([exit, isUfwActive(host), host.stat(ssh)]).toEqual([1, false, null]);
  expect(host.text(jail)).toContain("[sshd]");
  expect(out).toMatch(/^failed +host\.firewall\.configure .*\nfailed +host\.ssh-harden\.configure /m);
  expect(err).toContain("no new login confirmed the change within 1 min; the changes were rolled back");
  expect([host.list(journalDir), host.stat(recoverServicePath)]).toEqual([[], null]);
});

test("host unharden: leaves /etc as before, keeps packages and stops the services that were not there before", async () => {
  const host = await nginxHost();
  const before = etc(host);
  expect(failures(await apply(host, { all: true }))).toEqual([]);
  const { recipe, failed } = await remove(host);
  expect(failed).toEqual([]);
  expect(recipe.done).toStartWith("The hardening is removed. These packages stay: fail2ban, ");
  const packages = /stay: (.*)\.$/.exec(recipe.done)?.[1]?.split(/, | and /) ?? [];
  expect(packages).toEqual([...new Set(packages)]);
  expect(etc(host)).toEqual(before);
  expect([isUfwActive(host), rulesOf(host)]).toEqual([false, { ipv4: [], ipv6: [] }]);
  expect(host.ran).toContain("systemctl disable fail2ban.service");
  const again = await unharden(host, parts);
  expect(changesOf(await converge(unguarded(again.steps), host, {}))).toEqual([]);
});

test("host unharden firewall: a firewall that was active before stays, with its own rules", async () => {
  const host = await nginxHost();
  expect(failures(await apply(host))).toEqual([]);
  const { firewall, ...others } = JSON.parse(host.text(record) ?? "");
  host.put(record, JSON.stringify({ ...others, firewall: { ...firewall, enabled: undefined, opened: [] } }));
  const rules = rulesOf(host);
  expect((await remove(host, "firewall")).failed).toEqual([]);
  expect([isUfwActive(host), rulesOf(host)]).toEqual([true, rules]);
});

test("host unharden: where nobody gets in, what can only let more people in is applied, because it is the repair", async () => {
  const host = await nginxHost();
  expect(failures(await apply(host, { all: true }))).toEqual([]);
  addOutside(host, () => false);
  for (const part of ["ssh", "firewall"]) {
    expect(await typed(`host unharden ${part} --yes`, host)).toMatchObject({
      exit: 0,
      out: expect.stringContaining("applied without a proof, because it can only let more people in: no user who can"),
    });
  }
  expect([host.stat(ssh), isUfwActive(host)]).toEqual([null, false]);
});

test("host unharden: where nobody gets in, a removal of what may let people in is refused", async () => {
  const host = await nginxHost();
  expect(failures(await apply(host, { all: true }))).toEqual([]);
  const { firewall, ...others } = JSON.parse(host.text(record) ?? "");
  const enabled = { ...firewall, enabled: undefined };
  host.put(record, JSON.stringify({ ...others, firewall: enabled, ssh: { password_users: ["bob"] } }));
  addOutside(host, () => false);
  for (const part of ["ssh", "firewall"]) {
    expect(await typed(`host unharden ${part} --yes`, host)).toMatchObject({
      exit: 1,
      err: expect.stringContaining("no user who can become root logs in with a key"),
    });
  }
  expect([host.stat(ssh) === null, isUfwActive(host)]).toEqual([false, true]);
});

test("host unharden: a service that ran before keeps running, without the jail", async () => {
  const host = await nginxHost();
  expect((await typed("host fail2ban --yes", host)).exit).toBe(0);
  host.remove(record);
  expect((await typed("host unharden fail2ban --yes", host)).exit).toBe(0);
  expect(host.stat(jail)).toBeNull();
  expect(host.ran.at(-1)).toBe("systemctl restart fail2ban.service");
});

test("host unharden: at a terminal it lists the packages that stay, and suggests the removal of none", async () => {
  const host = await nginxHost();
  expect((await typed("host logrotate --yes", host)).exit).toBe(0);
  // Other programs may need them: without iproute2, a host has no network after a reboot.
  const { out } = await atTerminal(80, () => typed("host unharden --yes", host));
  expect(out).toMatch(/^✔ The hardening is removed in .*\nThese packages stay: logrotate\.\n$/m);
});

test("host unharden PART: removes only that part, and refuses one that does not exist", async () => {
  const host = await nginxHost();
  expect(failures(await apply(host, { all: true }))).toEqual([]);
  const { exit, out, err } = await typed("host unharden logrotate,nginx --yes", host);
  expect([exit, err]).toEqual([0, ""]);
  expect(out).toEndWith("\nThe parts logrotate and nginx are removed. These packages stay: logrotate.\n");
  expect((await typed("host unharden nginx --yes", host)).out).toBe("The part nginx is not set up.\n");
  expect([logrotate, dropIn].map((path) => host.stat(path))).toEqual([null, null]);
  for (const path of [jail, ssh]) expect(host.stat(path)).not.toBeNull();
  expect(JSON.parse(host.text(record) ?? "").ssh_port).toBe(22);
  expect(await typed("host unharden fail2bann", host)).toMatchObject({
    exit: 2,
    err: expect.stringContaining("did you mean fail2ban"),
  });
});

test("host status: lists each part with its state, for a pipe, a terminal and as JSON", async () => {
  const host = await nginxHost();
  expect((await typed("host fail2ban --yes", host)).exit).toBe(0);
  host.put(jail, `${host.text(jail)}# mine\n`);
  const { exit, out } = await typed("host status", host);
  expect(exit).toBe(0);
  const lines = out.split("\n");
  expect(lines.find((line) => line.startsWith("fail2ban:"))).toMatch(
    /^fail2ban: warning; since 20\S+Z; fail2ban:jail: \S+ differs from what edox-ops writes; run edox-ops host fail2ban$/,
  );
  expect(lines).toContain("logrotate: not-set-up; run edox-ops host logrotate");
  const { hardening } = JSON.parse((await typed("host status --json", host)).out);
  expect(hardening.map(({ part, status }: { part: string; status: string }) => `${part} ${status}`)).toEqual([
    "security-updates not-set-up",
    "firewall not-set-up",
    "fail2ban warning",
    "ssh not-set-up",
    "logrotate not-set-up",
    "nginx not-set-up",
  ]);
  expect(lines).toContain("nginx: not-set-up; run edox-ops host harden --all");
  host.remove("/usr/sbin/nginx");
  expect((await typed("host status", host)).out).toContain("\nnginx: not-set-up; nginx is not installed\n");
  expect(JSON.parse((await typed("host status --json", host)).out).hardening.at(-1)).toEqual({
    ...{ part: "nginx", status: "not-set-up", since: null, differs: [], command: [], reason: "nginx is not installed" },
  });
  const { out: seen } = await atTerminal(80, () => typed("host status", host));
  expect(seen).toMatch(/^nginx +nginx is not installed *$/m);
  expect(seen).toMatch(/^PART +STATE +SINCE$/m);
  expect(seen).toMatch(/^fail2ban +differs +just now$/m);
  expect(seen).toMatch(/^logrotate +not set up *$/m);
  expect(seen).toMatch(/^▲ fail2ban: \S+ differs from what edox-ops\n +writes → edox-ops host fail2ban$/m);
  expect(seen).toMatch(/Set up a part: .*edox-ops host security-updates/);
});

test("host status: without root, what only root can determine is listed once, with the same command for root", async () => {
  const host = await nginxHost();
  for (const part of ["firewall", "fail2ban"]) {
    expect((await typed(`host ${part} --yes`, host)).exit).toBe(0);
  }
  const other = hardenableHost({ uid: 1000 });
  other.nodes.clear();
  for (const [path, node] of host.nodes) other.nodes.set(path, node);
  other.hidden.add(record);
  const { exit, out } = await typed("host status", other);
  expect(exit).toBe(0);
  for (const part of ["firewall", "fail2ban"]) {
    expect(out).toMatch(new RegExp(`^${part}: unknown; .*; run sudo edox-ops host status$`, "m"));
  }
  const { out: shown } = await atTerminal(80, () => typed("host status", other));
  expect(shown.match(/firewall: /g)).toHaveLength(1);
  expect(shown.match(/→ .*/g)).toEqual(["→ sudo edox-ops host status"]);
});
