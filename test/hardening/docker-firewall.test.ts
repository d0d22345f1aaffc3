// The filter for the ports that Docker publishes, and the checks of doctor, on a Debian in memory.

import { expect, test } from "bun:test";
import { dockerPorts } from "../../src/hardening/firewall/docker-ports.ts";
import { typed } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";
import type { FakeHost } from "../fake-host.ts";
import { addUfw, dockerUnitPath, isFilterLoaded } from "./fake-ufw.ts";
import { applied, commandsOf } from "./firewall-applied.ts";

const rulesPath = "/etc/edox-ops/docker-firewall.nft";

function newHost(): FakeHost {
  const host = fakeDebian();
  addUfw(host);
  return host;
}

/** Runs containers that publish these ports. */
function publish(host: FakeHost, ...ports: { IP?: string; PublicPort?: number; Type: string }[]): void {
  host.put("/run/docker.sock", "");
  const body = new TextEncoder().encode(JSON.stringify([{ Id: "0123456789abcdef", Names: ["/web"], Ports: ports }]));
  host.served.unshift((_method, url) => (url === "http://docker/containers/json" ? { status: 200, body } : undefined));
}

test("host firewall: --docker writes and loads the filter, and a run without it removes both", async () => {
  const host = newHost();
  expect(
    (await commandsOf(host, { docker: true, allow: ["8080", "53/udp@2001:db8::/32", "5432@10.0.0.0/8"] })).slice(-3),
  ).toEqual([
    "systemctl daemon-reload",
    "systemctl restart edox-ops-docker-firewall.service",
    "systemctl enable edox-ops-docker-firewall.service",
  ]);
  expect(host.text(rulesPath)).toMatchInlineSnapshot(`
    "# Written by edox-ops. Ports that Docker publishes are closed, except to the addresses that host firewall allows.
    table inet edox_ops_docker
    delete table inet edox_ops_docker
    table inet edox_ops_docker {
      chain forward {
        type filter hook forward priority filter - 10; policy accept;
        ct state established,related accept
        # What containers send, also to published ports.
        iifname { "docker0", "docker_gwbridge" } accept
        iifname "br-*" accept
        # The published port is the destination before Docker translated it.
        ct status dnat meta l4proto tcp ct original proto-dst 22 accept
        ct status dnat meta l4proto tcp ct original proto-dst 80 accept
        ct status dnat meta l4proto tcp ct original proto-dst 443 accept
        ct status dnat meta l4proto tcp ct original proto-dst 8080 accept
        ct status dnat meta l4proto udp ct original proto-dst 53 ip6 saddr 2001:db8::/32 accept
        ct status dnat meta l4proto tcp ct original proto-dst 5432 ip saddr 10.0.0.0/8 accept
        ct status dnat drop
        # Addresses of containers, without a published port.
        oifname { "docker0", "docker_gwbridge" } drop
        oifname "br-*" drop
      }
    }
    "
  `);
  expect(host.text(dockerUnitPath)).toMatchInlineSnapshot(`
    "# Written by edox-ops.
    [Unit]
    Description=Filter for the ports that Docker publishes
    Documentation=man:edox-ops(1)
    DefaultDependencies=no
    After=local-fs.target
    Before=network-pre.target docker.service shutdown.target
    Wants=network-pre.target
    Conflicts=shutdown.target

    [Service]
    Type=oneshot
    RemainAfterExit=yes
    ExecStart=/usr/sbin/nft -f /etc/edox-ops/docker-firewall.nft
    ExecReload=/usr/sbin/nft -f /etc/edox-ops/docker-firewall.nft
    ExecStop=-/usr/sbin/nft delete table inet edox_ops_docker

    [Install]
    WantedBy=multi-user.target
    "
  `);
  expect((await applied(host, null)).outcome).toBe("ok");
  expect((await commandsOf(host, { docker: true })).slice(-1)).toEqual([
    "systemctl reload-or-restart edox-ops-docker-firewall.service",
  ]);
  expect((await commandsOf(host)).slice(-2)).toEqual([
    "systemctl disable --now edox-ops-docker-firewall.service",
    "systemctl daemon-reload",
  ]);
  expect([host.text(rulesPath), host.text(dockerUnitPath), isFilterLoaded(host)]).toEqual([null, null, false]);
});

test("host firewall: bridges of the admin with a name like those of Docker are no bridges of Docker", async () => {
  const host = newHost();
  for (const name of ["br-lan", "br-0123456789ab", "docker0", "br0", 'br-"x']) host.dir(`/sys/class/net/${name}`);
  await applied(host, { docker: true });
  const lines = (host.text(rulesPath) ?? "").split("\n").filter((line) => line.includes("br-"));
  expect(lines.map((line) => line.trim())).toEqual([
    'iifname "br-*" iifname != { "br-lan" } accept',
    'oifname "br-*" oifname != { "br-lan" } drop',
  ]);
});

test("host firewall: a filter that the kernel has lost is loaded again", async () => {
  const host = newHost();
  await applied(host, { docker: true });
  await host.run(["systemctl", "stop", "edox-ops-docker-firewall.service"]);
  expect(await commandsOf(host, { docker: true })).toEqual(["systemctl restart edox-ops-docker-firewall.service"]);
});

test("host:docker-ports: published ports are listed until they are closed or allowed, and loopback is none", async () => {
  const host = newHost();
  await applied(host, { allow: ["8080", "9000@10.0.0.0/8"] });
  publish(
    host,
    { IP: "0.0.0.0", PublicPort: 8080, Type: "tcp" },
    { IP: "0.0.0.0", PublicPort: 8081, Type: "tcp" },
    { IP: "::", PublicPort: 8081, Type: "tcp" },
    { IP: "192.0.2.1", PublicPort: 9000, Type: "tcp" },
    { IP: "127.0.0.1", PublicPort: 8082, Type: "tcp" },
    { IP: "127.0.1.1", PublicPort: 8083, Type: "tcp" },
    { IP: "::1", PublicPort: 8084, Type: "tcp" },
    { Type: "tcp" },
  );
  expect(dockerPorts.appliesTo?.(host)).toBe(true);
  expect(await dockerPorts.run(host)).toEqual({
    status: "warning",
    detail: "Docker publishes ports past ufw: 8081/tcp (web), 9000/tcp (web)",
    affects: "containers that anyone can reach",
    hint: "sudo edox-ops host firewall --allow 8080/tcp --allow 9000/tcp@10.0.0.0/8 --docker --yes".split(" "),
  });
  await applied(host, { allow: ["8080", "9000@10.0.0.0/8"], docker: true });
  expect(await dockerPorts.run(host)).toEqual({
    status: "ok",
    detail: "closed by the firewall: 8081/tcp (web); allowed: 8080/tcp (web), 9000/tcp from 10.0.0.0/8 (web)",
  });
});

test("host:docker-ports: it does not apply without a firewall or without Docker", () => {
  const host = newHost();
  expect(dockerPorts.appliesTo?.(host)).toBe(false);
  publish(host);
  expect(dockerPorts.appliesTo?.(host)).toBe(false);
});

test("doctor: host:firewall is an error where the port of SSH is not allowed, with all flags in its repair command", async () => {
  const host = newHost();
  await applied(host, { allow: ["8080"], limitSsh: true, sshPort: 2222 });
  const check = async () => {
    const { out } = await typed("doctor --json", host);
    return JSON.parse(out).findings.find((each: { name: string }) => each.name === "host:firewall");
  };
  expect(await check()).toMatchObject({ status: "ok" });
  await host.run(["ufw", "delete", "limit", "22/tcp"]);
  expect(await check()).toMatchObject({
    status: "error",
    hint: "edox-ops host firewall --ssh-port 2222 --allow 8080/tcp --limit-ssh --yes".split(" "),
  });
  await applied(host, null);
  await host.run(["ufw", "disable"]);
  expect(await check()).toMatchObject({ status: "error", detail: expect.stringContaining("ufw is not active") });
});
