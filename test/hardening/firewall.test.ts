// The firewall on a Debian in memory: which rules ufw gets and loses, and what the record keeps.

import { expect, test } from "bun:test";
import { typed } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";
import { type FakeHost, ok } from "../fake-host.ts";
import { addUfw, type FakeUfw, isUfwActive, rulesOf } from "./fake-ufw.ts";
import { applied, commandsOf } from "./firewall-applied.ts";

function newHost(): { host: FakeHost; fake: FakeUfw } {
  const host = fakeDebian();
  return { host, fake: addUfw(host) };
}

/** Runs ufw as the admin. */
async function admin(host: FakeHost, ...lines: string[]): Promise<void> {
  for (const line of lines) expect(await host.run(["ufw", ...line.split(" ")])).toMatchObject({ code: 0 });
}

const opened = (host: FakeHost): string[] => JSON.parse(host.text("/etc/edox-ops/host.json") ?? "{}").firewall?.opened;
const both = (...rules: string[]) => ({ ipv4: rules, ipv6: rules });

test("host firewall: the rules are added before ufw is enabled, and a second run changes nothing", async () => {
  const { host } = newHost();
  expect(await commandsOf(host)).toEqual([
    ...["ufw allow 22/tcp", "ufw allow 80/tcp", "ufw allow 443/tcp", "ufw --force enable"],
  ]);
  expect(rulesOf(host)).toEqual(both("allow 22/tcp", "allow 80/tcp", "allow 443/tcp"));
  expect(isUfwActive(host)).toBe(true);
  expect(JSON.parse(host.text("/etc/edox-ops/host.json") ?? "")).toEqual({
    firewall: { allow: [], opened: ["allow 22/tcp", "allow 80/tcp", "allow 443/tcp"], enabled: true },
  });
  const state = host.listing();
  expect((await applied(host)).outcome).toBe("ok");
  expect(host.listing()).toEqual(state);
});

test("host firewall: a host on which ufw is missing gets the package, and a dry run shows the same rules", async () => {
  const { host } = newHost();
  const { changes } = await applied(host, { allow: ["8080"] }, true);
  const commands = changes.flatMap((change) => (change.kind === "command" ? [change.argv.join(" ")] : []));
  expect(host.stat("/usr/sbin/ufw")).toBeNull();
  expect(await commandsOf(host, { allow: ["8080"] })).toEqual(commands);
});

test("host firewall: each port on which sshd listens or is configured to listen stays open, and 22 only with them", async () => {
  const { host, fake } = newHost();
  Object.assign(fake, { listening: [2222], configured: [2200] });
  const { warnings } = await applied(host, { sshPort: 22 });
  expect(warnings.filter((each) => each.includes("port 22"))).toEqual([
    "the SSH server does not listen on port 22: it stays closed. --allow 22/tcp opens it",
  ]);
  expect(rulesOf(host)).toEqual(both("allow 2200/tcp", "allow 2222/tcp", "allow 80/tcp", "allow 443/tcp"));
});

test("host firewall: the port of an active ssh.socket stays open, not the one in the configuration of sshd", async () => {
  const { host, fake } = newHost();
  Object.assign(fake, {
    ...{ listening: [], configured: [2222] },
    others: ['LISTEN 0 128 *:22 *:* users:(("systemd",pid=1,fd=50))'],
  });
  host.taught.unshift((argv) =>
    argv.at(-1) === "ssh.socket" ? ok("ActiveState=active\nListen=[::]:22 (Stream)\n") : undefined,
  );
  await applied(host);
  expect(rulesOf(host)).toEqual(both("allow 22/tcp", "allow 80/tcp", "allow 443/tcp"));
});

test("host firewall: --ssh-port and the port of the session only add to the ports of the server", async () => {
  const { host } = newHost();
  await applied(host, { sshPort: 2222, sessionPort: 2022 });
  expect(rulesOf(host).ipv4).toEqual([
    "allow 22/tcp",
    "allow 2022/tcp",
    "allow 2222/tcp",
    "allow 80/tcp",
    "allow 443/tcp",
  ]);
  await applied(host, { sshPort: 2200 });
  expect(rulesOf(host)).toEqual(both("allow 22/tcp", "allow 80/tcp", "allow 443/tcp", "allow 2200/tcp"));
  expect(JSON.parse(host.text("/etc/edox-ops/host.json") ?? "").ssh_port).toBe(2200);
});

test("host firewall: a listener that another user named sshd opens no port", async () => {
  const { host, fake } = newHost();
  host.dir("/proc/9", { uid: 1000 });
  fake.others = [
    `LISTEN 0 128 0.0.0.0:4444 0.0.0.0:* users:(("sshd",pid=9,fd=3))`,
    `LISTEN 0 128 [::]:2022 [::]:* users:(("sshd",pid=858,fd=3))`,
  ];
  await applied(host);
  expect(rulesOf(host).ipv4.slice(0, 2)).toEqual(["allow 22/tcp", "allow 2022/tcp"]);
});

test("host firewall: a server whose ports are unknown is an error, and a host without a server a warning", async () => {
  const { host, fake } = newHost();
  Object.assign(fake, { listening: [], configured: [] });
  expect((await applied(host)).warnings).toContain("no SSH server listens on this host: no port is opened for it");
  host.put("/usr/sbin/sshd", "");
  fake.broken = (line) => (line === "sshd -T" ? "/etc/ssh/sshd_config: line 1: Bad configuration option\n" : undefined);
  const { problem } = await applied(host, { allow: ["8080"] });
  expect(problem?.message).toBe(
    "the port of the SSH server is unknown: /etc/ssh/sshd_config: line 1: Bad configuration option",
  );
});

test("host firewall: ports that are no longer allowed are closed, and rules of the admin stay", async () => {
  const { host } = newHost();
  await applied(host, { allow: ["8080"] });
  await admin(host, "allow 9000/tcp");
  await applied(host, { allow: ["9000", "51820/udp", "5432@10.0.0.0/8", "5432@2001:db8::/32"] });
  const general = ["allow 22/tcp", "allow 80/tcp", "allow 443/tcp", "allow 9000/tcp", "allow 51820/udp"];
  expect(rulesOf(host)).toEqual({
    ipv4: [...general, "allow 5432/tcp@10.0.0.0/8"],
    ipv6: [...general, "allow 5432/tcp@2001:db8::/32"],
  });
  // The rule for 9000 is not of edox-ops, although a run asked for it.
  expect(opened(host)).not.toContain("allow 9000/tcp");
  expect(await commandsOf(host)).toEqual([
    "ufw delete allow 51820/udp",
    "ufw delete allow from 10.0.0.0/8 to any port 5432 proto tcp",
    "ufw delete allow from 2001:db8::/32 to any port 5432 proto tcp",
    "ufw reload",
  ]);
  expect(rulesOf(host)).toEqual(both(...general.slice(0, 4)));
});

test("host firewall: a rule of an earlier run is deleted where one of the admin hides it, or only one family has it", async () => {
  const { host } = newHost();
  await applied(host, { allow: ["8080", "9000"] });
  const rules = host.text("/etc/ufw/user.rules") ?? "";
  const deny = "### tuple ### deny any 8080 0.0.0.0/0 any 0.0.0.0/0 in\n";
  host.put("/etc/ufw/user.rules", rules.replace("### tuple", `${deny}### tuple`), { mode: 0o640 });
  host.put("/etc/ufw/user6.rules", (host.text("/etc/ufw/user6.rules") ?? "").replace(/.*tcp 9000 .*\n/, ""));
  await applied(host);
  const left = ["allow 22/tcp", "allow 80/tcp", "allow 443/tcp"];
  expect(rulesOf(host)).toEqual({ ipv4: ["deny 8080/any", ...left], ipv6: left });
});

test("host firewall: --limit-ssh replaces the rule of SSH, and a run without it replaces it back", async () => {
  const { host } = newHost();
  await applied(host);
  expect(await commandsOf(host, { limitSsh: true })).toEqual(["ufw limit 22/tcp", "ufw reload"]);
  expect(rulesOf(host).ipv6).toEqual(["limit 22/tcp", "allow 80/tcp", "allow 443/tcp"]);
  expect((await applied(host, { limitSsh: true })).outcome).toBe("ok");
  expect(await commandsOf(host)).toEqual(["ufw allow 22/tcp", "ufw reload"]);
  expect(opened(host)).toEqual(["allow 22/tcp", "allow 80/tcp", "allow 443/tcp"]);
});

test("host firewall: a limit of the admin is kept, and so are addresses to which the admin limits SSH", async () => {
  const limited = newHost().host;
  await applied(limited, {}, true);
  await limited.run(["apt-get", "install", "ufw"]);
  await admin(limited, "limit 22/tcp");
  await applied(limited);
  expect(rulesOf(limited).ipv4).toEqual(["limit 22/tcp", "allow 80/tcp", "allow 443/tcp"]);

  const narrowed = newHost().host;
  await narrowed.run(["apt-get", "install", "ufw"]);
  await admin(narrowed, "allow from 203.0.113.0/24 to any port 22 proto tcp");
  await applied(narrowed);
  expect(rulesOf(narrowed)).toEqual({
    ipv4: ["allow 22/tcp@203.0.113.0/24", "allow 80/tcp", "allow 443/tcp"],
    ipv6: ["allow 80/tcp", "allow 443/tcp"],
  });
  expect(opened(narrowed)).toEqual(["allow 80/tcp", "allow 443/tcp"]);
});

test("host firewall: --allow with addresses limits SSH to them, and a run without it opens SSH again", async () => {
  const { host } = newHost();
  await applied(host);
  expect(await commandsOf(host, { allow: ["22@203.0.113.7"] })).toEqual([
    ...["ufw allow from 203.0.113.7 to any port 22 proto tcp", "ufw delete allow 22/tcp", "ufw reload"],
  ]);
  expect((await applied(host, { allow: ["22@203.0.113.7"] })).outcome).toBe("ok");
  expect((await applied(host, null)).outcome).toBe("ok");
  await applied(host);
  expect(rulesOf(host)).toEqual(both("allow 80/tcp", "allow 443/tcp", "allow 22/tcp"));
});

test("host firewall: a rule of the admin that comes first and denies an allowed port is named", async () => {
  const { host } = newHost();
  await applied(host);
  await admin(host, "deny 8080");
  const { problem } = await applied(host, { allow: ["8080"] });
  expect(problem).toMatchObject({
    message: "ufw has the rule 'deny 8080', which comes before 'allow 8080/tcp'",
    hint: ["sudo", "ufw", "delete", "deny", "8080"],
  });
});

test("doctor: a ufw of the admin or of the Python version is checked without a record", async () => {
  const { host } = newHost();
  await host.run(["apt-get", "install", "ufw"]);
  await admin(host, "allow 22/tcp", "allow 80/tcp", "allow 443/tcp", "--force enable");
  for (const record of [null, '{\n  "ssh_port": 22\n}\n']) {
    if (record !== null) host.put("/etc/edox-ops/host.json", record, { mode: 0o600 });
    const { out } = await typed("doctor --json", host);
    const findings: { name: string; status: string }[] = JSON.parse(out).findings;
    const ours = findings.filter(({ name }) => /^host:firewall|host.json$|^unit:ufw/.test(name));
    expect(ours.map(({ status }) => status)).toEqual(["ok", "ok", "ok", "ok"]);
  }
});

test("host firewall: IPv6, the defaults and the start at boot are corrected", async () => {
  const { host } = newHost();
  await host.run(["apt-get", "install", "ufw"]);
  await admin(host, "--force enable");
  host.put("/etc/default/ufw", 'IPV6=no\nDEFAULT_INPUT_POLICY="ACCEPT"\nDEFAULT_OUTPUT_POLICY="DROP"\n');
  host.put("/etc/ufw/user6.rules", "### END RULES ###\n", { mode: 0o640 });
  host.nodes.delete("/etc/systemd/system/multi-user.target.wants/ufw.service");
  host.taught.unshift((argv) => {
    if (argv.join(" ") !== "systemctl enable ufw.service") return undefined;
    host.link("/etc/systemd/system/multi-user.target.wants/ufw.service", "/lib/systemd/system/ufw.service");
    return { code: 0, stdout: "", stderr: "" };
  });
  await applied(host);
  expect(host.text("/etc/default/ufw")).toBe('IPV6=yes\nDEFAULT_INPUT_POLICY="DROP"\nDEFAULT_OUTPUT_POLICY="ACCEPT"\n');
  expect(rulesOf(host)).toEqual(both("allow 22/tcp", "allow 80/tcp", "allow 443/tcp"));
  expect((await applied(host)).outcome).toBe("ok");
});

test("host firewall: a failure disables ufw again, and restores its files byte for byte", async () => {
  const { host, fake } = newHost();
  await host.run(["apt-get", "install", "ufw"]);
  await admin(host, "allow 9000/tcp");
  const files = () =>
    ["/etc/ufw/user.rules", "/etc/ufw/user6.rules", "/etc/ufw/ufw.conf", "/etc/default/ufw"].map(host.text);
  const before = [files(), host.text("/etc/edox-ops/host.json"), isUfwActive(host)];
  fake.broken = (line) => (line.startsWith("systemctl restart edox-ops-docker") ? "Job failed\n" : undefined);
  const { problem } = await applied(host, { allow: ["8080"], docker: true });
  expect(problem?.message).toContain("the changes were rolled back");
  expect([files(), host.text("/etc/edox-ops/host.json"), isUfwActive(host)]).toEqual(before);
});

test("host firewall: after a failure the kernel has the former rules of ufw, also if its files differ, or those of the files after a boot", async () => {
  for (const hasBooted of [false, true]) {
    const { host, fake } = newHost();
    await applied(host);
    const before = host.text("/etc/ufw/user.rules");
    fake.broken = (line) => {
      if (!line.startsWith("systemctl restart edox-ops-docker")) return undefined;
      if (hasBooted) for (const family of ["v4", "v6"]) host.remove(`/run/edox-ops/ufw.${family}`);
      return "Job failed\n";
    };
    const { length } = host.ran;
    await applied(host, { allow: ["8080"], docker: true });
    expect([host.text("/etc/ufw/user.rules"), isUfwActive(host)]).toEqual([before, true]);
    const loads = host.ran.slice(length).filter((line) => /^ufw reload|restore/.test(line));
    const restores = ["ip6tables", "iptables"].map(
      (name) => `${name}-restore --wait --noflush /run/edox-ops/ufw.${name.includes("6") ? "v6" : "v4"}`,
    );
    expect(loads).toEqual(["ufw reload", ...(hasBooted ? ["ufw reload"] : restores)]);
    if (hasBooted) continue;
    expect(host.text("/run/edox-ops/ufw.v4")).toBe(
      "*filter\n:INPUT DROP [0:0]\n:ufw-user-input - [0:0]\n-A ufw-user-input -j ACCEPT\nCOMMIT\n",
    );
  }
});

test.each([
  ["firewalld", ["sudo", "systemctl", "disable", "--now", "firewalld"]],
  ["nftables", ["sudo", "systemctl", "disable", "nftables"]],
  ["shorewall", ["sudo", "systemctl", "disable", "--now", "shorewall"]],
])("host firewall: %s that is enabled is refused before anything is installed", async (unit, hint) => {
  const { host } = newHost();
  host.link(`/etc/systemd/system/multi-user.target.wants/${unit}.service`, `/lib/systemd/system/${unit}.service`);
  const { problem } = await applied(host);
  expect(problem).toMatchObject({ code: "conflict", hint });
  expect(host.stat("/usr/sbin/ufw")).toBeNull();
});

test("host firewall: iptables-persistent is refused, because apt would remove it for ufw", async () => {
  const { host } = newHost();
  await host.run(["apt-get", "install", "iptables-persistent"]);
  expect((await applied(host)).problem).toMatchObject({
    code: "conflict",
    hint: ["sudo", "apt-get", "remove", "iptables-persistent"],
  });
});

test("host firewall: rules that filter beside ufw are warned of, and those of Docker and fail2ban are not", async () => {
  const { host, fake } = newHost();
  const others = ["-A INPUT -j ufw-before-input", "-A INPUT -p tcp -m multiport --dports 22 -j f2b-sshd"];
  fake.input = [...others, "-A INPUT -p tcp --dport 9000 -j ACCEPT"];
  const input = "\tchain input {\n\t\ttype filter hook input priority filter; policy drop;\n\t}\n}\n";
  fake.chains = `table ip filter {\n${input}table inet f2b-table {\n${input}table inet mine {\n${input}`;
  const { warnings } = await applied(host);
  expect(warnings).toEqual([
    "iptables has rules that apply before those of ufw: -A INPUT -p tcp --dport 9000 -j ACCEPT",
    "ip6tables has rules that apply before those of ufw: -A INPUT -p tcp --dport 9000 -j ACCEPT",
    "tables of nftables filter in addition to ufw: inet mine",
  ]);
});
