// The guard of a step on a host in memory, whose sshd lets users in or not. Real ones are in test/integration.

import { expect, test } from "bun:test";
import type { Step, StepRun } from "../../src/engine/step.ts";
import { guardedLogins } from "../../src/hardening/firewall/guard.ts";
import { guarded, provingAdmin } from "../../src/hardening/guarded.ts";
import { freePrefix } from "../../src/hardening/proof/ranges.ts";
import type { Output } from "../../src/host/host.ts";
import { type FakeHost, fakeHost, ok } from "../fake-host.ts";
import { optionsOf } from "./firewall-applied.ts";

const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEJSmVfhsxpzVOwlJ3rWwDvGjtmlXKOxrbbVoJTe+nll";
const keysPath = "/home/admin/.ssh/authorized_keys";

/** `allows`: namespaces are. `locked`: sshd lets nobody in. */
function hostWithSshd({ allows = true } = {}) {
  const host = fakeHost();
  const state = { locked: false, from: "", lines: [] as string[], sources: [] as string[] };
  host.put("/etc/passwd", "root:x:0:0::/root:/bin/bash\nadmin:x:1000:1000::/home/admin:/bin/bash\n");
  host.put(keysPath, key, { uid: 1000, gid: 1000, mode: 0o600 });
  host.put("/etc/ssh/ssh_host_ed25519_key.pub", key);
  for (const dir of ["/run/edox-ops", "/var/lib"]) host.dir(dir);
  host.dir("/proc/5");
  const answers: Record<string, string> = {
    "sshd -T": "authorizedkeysfile .ssh/authorized_keys\npermitrootlogin no\n",
    "sudo -l": "    (ALL : ALL) NOPASSWD: ALL\n",
    "ss -H": 'LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=5,fd=3))\n',
    "ip -j address": '[{"ifname":"eth0","addr_info":[{"local":"192.0.2.1"},{}]}]',
    "ip -j -4": '[{"dst":"default","dev":"eth0"}]',
    "date ": "20261129180000\n",
  };
  host.taught.push((argv) => {
    const line = argv.join(" ");
    if (line.startsWith("ssh-keygen")) {
      host.put("/run/edox-ops/probe-key", "secret", { mode: 0o600 });
      host.put("/run/edox-ops/probe-key.pub", `${key} edox-ops-probe-1\n`);
    }
    if (argv.includes("-l") && argv.includes("admin") && argv.includes("ssh")) {
      state.lines.push(host.text(keysPath) ?? "");
      state.sources.push(/BindAddress=(\S+)/.exec(line)?.[1] ?? "");
      const isLocked = state.locked || !(state.sources.at(-1) ?? "").startsWith(state.from);
      return isLocked ? { code: 255, stdout: "", stderr: "Permission denied (publickey).\n" } : ok();
    }
    if (argv.includes("ssh"))
      return { code: 255, stdout: "", stderr: "ssh: connect to host 192.0.2.1 port 80: Connection refused\n" };
    return ok(Object.entries(answers).find(([start]) => line.startsWith(start))?.[1] ?? "");
  });
  const { probe } = host;
  host.probe = async (argv, options) => {
    if (argv[0] !== "unshare") return probe(argv, options);
    options?.onOutput?.(allows ? "77 (cat) S 1 0" : "unshare: unshare failed: Operation not permitted");
    for await (const _ of options?.input ?? []);
    return ok();
  };
  return { host, state };
}

const plain: Step = { id: "host.test", title: "", resources: [] };

function runOf(notes: string[] = []): StepRun {
  return { record() {}, note: (sentence) => notes.push(sentence), stop: () => null };
}

/** Returns everything but the journal's directory. */
const listing = (host: FakeHost) =>
  Object.entries(host.listing()).filter(([path]) => !path.startsWith("/var/lib/edox-ops"));

test("guard: a user who logs in before and after the change is proven, and nothing is left", async () => {
  const { host, state } = hostWithSshd();
  const [before, notes] = [listing(host), [] as string[]];
  const step = guarded(plain);
  await step.before?.(host, runOf());
  await step.verify?.(host, runOf(notes));
  expect(notes).toEqual([
    expect.stringMatching(/^proven: admin logs in at 192\.0\.2\.1:22 from 198\.18\.\d+\.2, and becomes root$/),
  ]);
  expect(listing(host)).toEqual(before);
  expect(host.list("/run/edox-ops")).toEqual([]);
  expect(host.list("/var/lib/edox-ops/journal")).toEqual([]);
  for (const [i, text] of state.lines.entries()) {
    const options = `from="${state.sources[i]}",command="/usr/bin/sudo -n /usr/bin/true",restrict,expiry-time="20261129180000"`;
    expect(text).toBe(`${options} ${key} edox-ops-probe-1\n${key}`);
  }
  expect(new Set(state.sources).size).toBe(2);
});

test("guard: a login that is lost, or that nobody had, is a Problem, and nothing is left", async () => {
  const { host, state } = hostWithSshd();
  const before = listing(host);
  const step = guarded(plain);
  await step.before?.(host, runOf());
  state.locked = true;
  const denied = "admin: 192.0.2.1:22 from ";
  await expect(step.verify?.(host, runOf())).rejects.toMatchObject({
    code: "verify-failed",
    message: expect.stringContaining(`a login from outside is no longer possible: ${denied}`),
  });
  await expect(guarded(plain).before?.(host, runOf())).rejects.toMatchObject({
    code: "precondition-failed",
    message: expect.stringContaining("no user who can become root logs in with a key ("),
  });
  expect(listing(host)).toEqual(before);
});

test("guard: users who may lose their login are not needed, unless nobody else can become root", async () => {
  const { host } = hostWithSshd();
  await expect(guarded(plain, { mayLose: () => ["admin"] }).before?.(host, runOf())).rejects.toMatchObject({
    message: "only admin can log in and become root, and this change disables that login",
  });
});

test("guard: without a namespace a confirmation is demanded", async () => {
  const { host, state } = hostWithSshd({ allows: false });
  await expect(guarded(plain).before?.(host, runOf())).rejects.toMatchObject({
    message: expect.stringContaining("pass --confirm-within 10m"),
  });
  await guarded(plain, { confirmWithinMs: 60_000 }).before?.(host, runOf());
  expect(state.sources.every((each) => each.startsWith("127."))).toBe(true);
});

test("admin: is proven by a login that becomes root", async () => {
  const { host, state } = hostWithSshd();
  const notes: string[] = [];
  await provingAdmin(plain, "admin").verify?.(host, runOf(notes));
  expect(notes).toHaveLength(1);
  state.locked = true;
  await expect(provingAdmin(plain, "admin").verify?.(host, runOf())).rejects.toMatchObject({ code: "verify-failed" });
});

test("guard: no login comes from a network that a rule of the firewall names", async () => {
  const { host, state } = hostWithSshd();
  host.put(
    "/etc/ufw/user.rules",
    "### tuple ### allow any any 0.0.0.0/0 any 198.18.0.0/15 in\n-A x -s 198.18.0.0/15\n",
  );
  host.taught.unshift((argv) => {
    if (argv[0] === "iptables-save") return ok("-A INPUT -s 100.64.0.0/10 -j ACCEPT\n");
    return argv[0] === "nft" ? ok("iifname lo ip saddr { 0.0.0.0/0, 10.0.0.0/8 } accept\n") : undefined;
  });
  await guarded(plain).before?.(host, runOf());
  expect(state.sources).toEqual([expect.stringMatching(/^172\.31\./)]);
});

test("guard: rules of an inactive ufw that deny SSH to some clients demand a session, or a confirmation", async () => {
  const { host } = hostWithSshd();
  const plainly = { allow: [], limitSsh: false, docker: false };
  const before = (confirmWithinMs?: number) =>
    guardedLogins(plain, { confirmWithinMs }, () => plainly).before?.(host, runOf());
  const rule = (...lines: string[]) =>
    host.put("/etc/ufw/user.rules", lines.map((line) => `### tuple ### ${line}\n`).join(""));
  rule("deny any any 0.0.0.0/0 any 203.0.113.0/24 in");
  expect(before()).rejects.toThrow("denies SSH to 203.0.113.0/24, and no login with a key");
  await before(60_000);
  rule("reject tcp 22 0.0.0.0/0 any 0.0.0.0/0 in_eth0");
  expect(before()).rejects.toThrow("denies SSH on eth0");
  rule("allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in", "deny any any 0.0.0.0/0 any 203.0.113.0/24 in");
  await before();
  rule("deny tcp 25 0.0.0.0/0 any 203.0.113.0/24 in");
  await before();
});

test("guard: an endpoint on an interface on which ufw denies SSH is no way in", async () => {
  const { host } = hostWithSshd();
  host.put("/usr/sbin/ufw", "", { mode: 0o755 });
  let status = "active";
  host.taught.unshift((argv) => (argv[0] === "ufw" ? ok(`Status: ${status}\n`) : undefined));
  const rule = (line: string) => host.put("/etc/ufw/user.rules", `### tuple ### ${line}\n`);
  const denial = "ufw has a rule that denies port 22 on eth0";
  for (const name of ["eth0", "eth+"]) {
    rule(`deny tcp 22 0.0.0.0/0 any 0.0.0.0/0 in_${name}`);
    await expect(guarded(plain).before?.(host, runOf())).rejects.toThrow(denial);
  }
  status = "inactive";
  await guarded(plain).before?.(host, runOf());
  status = "active";
  rule("deny tcp 22 0.0.0.0/0 any 0.0.0.0/0 in_eth1");
  await guarded(plain).before?.(host, runOf());
  rule("allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in\n### tuple ### deny tcp 22 0.0.0.0/0 any 0.0.0.0/0 in_eth0");
  await guarded(plain).before?.(host, runOf());
});

/** A ufw that is active, without any rule. */
function shutOut() {
  const found = hostWithSshd();
  found.host.put("/usr/sbin/ufw", "");
  found.host.taught.unshift((argv) => (argv.join(" ") === "ufw status" ? ok("Status: active\n") : undefined));
  return found;
}

async function applied(host: FakeHost, step: Step): Promise<string[]> {
  const notes: string[] = [];
  await step.before?.(host, runOf(notes));
  await step.verify?.(host, runOf(notes));
  return notes;
}

const optionsFor = (...allow: string[]) => optionsOf({ allow });

test("guard: SSH that is limited to addresses is proven by some admin, who is named", async () => {
  const { host } = hostWithSshd();
  const step = guardedLogins(plain, {}, () => optionsFor("22@198.18.0.0/15"));
  expect(await applied(host, step)).toEqual([expect.stringMatching(/^proven: admin logs in at 192\.0\.2\.1:22 from /)]);
});

test("guard: on a console, a repair of the firewall is proven from an address that its rule allows", async () => {
  for (const [allow, from] of [
    ["22@203.0.113.0/24", "203.0.113.1"],
    ["22@203.0.113.9", "203.0.113.9"],
    ["22", "198.18."],
  ] as const) {
    const { host, state } = shutOut();
    state.from = from;
    const step = guardedLogins(plain, {}, () => optionsFor(allow));
    expect(await applied(host, step)).toEqual([expect.stringContaining(`192.0.2.1:22 from ${from}`)]);
    state.from = "192.0.2.99";
    expect(applied(host, step)).rejects.toThrow("no user who can become root logs in from outside any longer");
  }
});

test("guard: where nobody gets in, only a change that lets more people in is applied, and says so", async () => {
  const { host, state } = hostWithSshd();
  state.locked = true;
  const terms = { onlyOpens: () => true };
  const opening = [
    expect.stringMatching(/^applied without a proof, because it can only let more people in: no user who/),
  ];
  expect(await applied(host, guarded(plain, terms))).toEqual(opening);
  const verify = async () => {
    state.locked = false;
  };
  const unlock: Step = { ...plain, verify };
  expect(await applied(host, guarded(unlock, terms))).toEqual([
    ...opening,
    expect.stringMatching(/^proven: admin logs in/),
  ]);
  state.locked = true;
  host.taught.unshift((argv) => (argv[0] === "ss" ? ok() : undefined));
  expect(await applied(host, guarded(plain, terms))).toEqual([expect.stringContaining("no SSH server listens on")]);
  expect(applied(host, guarded(plain, { onlyOpens: () => false }))).rejects.toThrow("no SSH server listens");
});

test("guard: each attempt ends by itself, so that a killed run leaves no client that keeps its network", async () => {
  const { host } = hostWithSshd();
  await guarded(plain).before?.(host, runOf());
  const clients = host.ran.filter((line) => line.includes(" ssh -F none"));
  expect(clients).not.toEqual([]);
  expect(clients.filter((line) => !/-- timeout -k 1 \d+ ssh /.test(line))).toEqual([]);
});

test("guard: addresses of IPv6 are private ones, unless a rule names those", () => {
  expect(freePrefix(["2001:db8::/32", "fe80::/10"])).toMatch(/^fd/);
  expect(freePrefix(["fc00::/7"])).toBe("2001:2:0");
});

const bobsPath = "/home/bob/.ssh/authorized_keys";
const denied: Output = { code: 255, stdout: "", stderr: "Permission denied (publickey).\n" };
/** What the client prints once sshd has accepted the key. */
const accepted = "edox-ops-probe is accepted\n";

/** The same host with bob, who logs in and cannot become root. `login`: what bob's later logins do. */
function hostWithBob(login: (host: FakeHost) => Output) {
  const { host, state } = hostWithSshd();
  host.put("/etc/passwd", `${host.text("/etc/passwd")}bob:x:1001:1001::/home/bob:/bin/bash\n`);
  host.dir("/home/bob", { uid: 1001, gid: 1001, mode: 0o700 });
  host.put(bobsPath, key, { uid: 1001, gid: 1001, mode: 0o600 });
  let logins = 0;
  host.taught.unshift((argv) => {
    if (argv.join(" ") === "sudo -l -U bob") return { code: 1, stdout: "", stderr: "" };
    if (!argv.includes("bob") || !argv.includes("ssh")) return undefined;
    logins += 1;
    return logins === 1 ? ok(accepted) : login(host);
  });
  return { host, state };
}

function withoutLine(host: FakeHost): Output {
  host.put(bobsPath, key, { uid: 1001, gid: 1001 });
  return denied;
}

function opened(host: FakeHost): Output {
  host.dir("/home/bob", { uid: 1001, gid: 1001, mode: 0o777 });
  return denied;
}

const own: [what: string, login: (host: FakeHost) => Output][] = [
  ["removes the line of the proof", withoutLine],
  ["opens the own home to others", opened],
  ["lets the shell fail", () => ({ code: 1, stdout: accepted, stderr: "" })],
  ["pretends a refusal of sshd", () => ({ code: 255, stdout: accepted, stderr: denied.stderr })],
  ["pretends that no server answers", () => ({ code: 255, stdout: accepted, stderr: "ssh: connect to host x: y\n" })],
  ["kills the own session", () => ({ code: 255, stdout: accepted, stderr: "Connection closed by remote host\n" })],
  ["lets the login hang", () => ({ code: 124, stdout: accepted, stderr: "" })],
];
test.each(own)("guard: a user without root who %s is reported, and rolls nothing back", async (_, login) => {
  const { host } = hostWithBob(login);
  const notes: string[] = [];
  const step = guarded(plain);
  await step.before?.(host, runOf());
  await step.verify?.(host, runOf(notes));
  expect(notes).toEqual([
    expect.stringContaining("proven: admin logs in at "),
    expect.stringMatching(
      /^not proven: bob: 192\.0\.2\.1:22 from .*: the change is kept, as the user may be the cause$/,
    ),
  ]);
});

test("guard: a user without root whose keys are gone after the change is reported, and rolls nothing back", async () => {
  const { host } = hostWithBob(() => ok(accepted));
  const notes: string[] = [];
  const step = guarded(plain);
  await step.before?.(host, runOf());
  host.remove(bobsPath);
  await step.verify?.(host, runOf(notes));
  expect(notes.at(-1)).toBe("not proven: bob: has no key: the change is kept, as the user may be the cause");
});

test.each([
  ["denies the key", denied],
  ["is not reached", { code: 255, stdout: "", stderr: "ssh: connect to host 192.0.2.1 port 22: timed out\n" }],
])("guard: a user without root whose files are untouched loses no login: sshd %s", async (_, output) => {
  const { host } = hostWithBob(() => output);
  const step = guarded(plain);
  await step.before?.(host, runOf());
  await expect(step.verify?.(host, runOf())).rejects.toMatchObject({
    message: expect.stringContaining("a login from outside is no longer possible: bob: "),
  });
});

test("guard: an admin who breaks the own login rolls the change back", async () => {
  const { host } = hostWithSshd();
  const step = guarded(plain);
  await step.before?.(host, runOf());
  host.taught.unshift((argv) =>
    argv.includes("admin") && argv.includes("ssh") ? { code: 1, stdout: accepted, stderr: "" } : undefined,
  );
  await expect(step.verify?.(host, runOf())).rejects.toMatchObject({ message: expect.stringContaining("admin: ") });
});

test.each([
  ["before sshd accepts the key", "", /from 198\.18\.\d+\.2: it did not end within 10 s$/],
  ["after sshd has accepted the key", accepted, /from 198\.18\.\d+\.2: logged in, but: it did not end within 10 s$/],
])("guard: a login that hangs %s is named as such", async (_, stdout, says) => {
  const { host } = hostWithSshd();
  const step = guarded(plain);
  await step.before?.(host, runOf());
  host.taught.unshift((argv) =>
    argv.includes("admin") && argv.includes("ssh") ? { code: 124, stdout, stderr: "endless\nendl" } : undefined,
  );
  await expect(step.verify?.(host, runOf())).rejects.toMatchObject({ message: expect.stringMatching(says) });
});

test("guard: a jail of fail2ban ignores the addresses of a proof for its duration alone", async () => {
  const { host, state } = hostWithSshd();
  host.put("/run/fail2ban/fail2ban.sock", "");
  const ignored = new Set(["127.0.0.0/8", "198.18.0.0/15"]);
  host.taught.unshift((argv) => {
    const [program, ...words] = argv;
    if (program === "ssh-keygen") expect([...ignored].some((each) => /^fd.*::\/48$/.test(each))).toBe(true);
    if (program !== "fail2ban-client") return undefined;
    if (words[0] === "status") return ok("Status\n|- Number of jail:\t1\n`- Jail list:\tsshd\n");
    expect(words[1]).toBe("sshd");
    if (words[0] === "get") return ok(`These IP addresses/networks are ignored:\n|- ${[...ignored].join("\n|- ")}\n`);
    if (words[2] === "addignoreip") ignored.add(`${words[3]}`);
    else ignored.delete(`${words[3]}`);
    return ok();
  });
  state.locked = true;
  await expect(guarded(plain).before?.(host, runOf())).rejects.toMatchObject({ code: "precondition-failed" });
  expect([...ignored]).toEqual(["127.0.0.0/8", "198.18.0.0/15"]);
  expect(host.ran.filter((line) => line.includes("addignoreip"))).toEqual([
    expect.stringMatching(/^fail2ban-client set sshd addignoreip fd[0-9a-f:]+::\/48$/),
  ]);
});
