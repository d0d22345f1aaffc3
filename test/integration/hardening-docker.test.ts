// The ports that a real Docker Engine publishes, seen from outside through the firewall.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { suites } from "./base.ts";
import { openOn, openPorts, SshClient, type Way } from "./outside.ts";
import { soak } from "./rounds.ts";
import { run } from "./run.ts";
import { TestHost } from "./test-host.ts";
import { withSsh } from "./with-ssh.ts";

const client = "198.51.100.7";
/** 8080 to 8082 are published everywhere, 8083 on loopback, 8084 on a network of its own, and nothing has 9000. */
const ports = [8080, 8081, 8082, 8083, 8084, 9000];
const published = [8080, 8081, 8082, 8084];
/** Each suite uses the other variant of iptables, with which ufw and Docker write their rules. nft is the default. */
const variants = { bookworm: "legacy", trixie: "nft" } as const;

for (const suite of soak ? suites : (["trixie"] as const)) {
  describe(`Docker and the firewall on ${suite}, iptables-${variants[suite]}`, () => {
    let host: TestHost;
    let ssh: SshClient;
    let ways: Record<"any4" | "any6" | "client", Way>;

    const sh = (script: string): string => {
      const { code, stdout, stderr } = host.sh(script);
      expect([script, code, stderr.slice(-500)]).toEqual([script, 0, expect.anything()]);
      return stdout;
    };
    const firewall = (...flags: string[]) => host.run(["edox-ops", "host", "firewall", "--yes", ...flags]);
    const doctor = () => {
      const { stdout } = host.run(["edox-ops", "doctor", "--json"]);
      return JSON.parse(stdout).findings.find((each: { name: string }) => each.name === "host:docker-ports");
    };
    const open = () => openOn(ways, ports);

    /** A boot of the real kernel empties the tables of both variants. */
    async function reboot(): Promise<void> {
      sh("systemctl stop docker.socket docker");
      for (const program of ["iptables-legacy", "ip6tables-legacy"]) {
        const tables = ["filter", "nat", "mangle", "raw"].map((table) => `${program} -t ${table}`);
        const policies = ["INPUT", "FORWARD"].map((chain) => `${program} -P ${chain} ACCEPT`);
        sh([...tables.map((each) => `${each} -F && ${each} -X`), ...policies].join(" && "));
      }
      await host.reboot();
    }

    /** Waits until Docker has started its containers again. */
    async function containersRun(): Promise<void> {
      for (const end = Date.now() + 60_000; Date.now() < end; await Bun.sleep(200)) {
        if (host.sh("docker ps -q | wc -l").stdout.trim() === "5") return;
      }
      throw new Error(host.sh("docker ps -a; journalctl -u docker -n 20").stdout);
    }

    beforeAll(async () => {
      host = await TestHost.bare(suite, undefined, "/var/lib/docker", await withSsh(suite));
      host.addIpv6(client);
      ssh = new SshClient(host);
      const packages = `docker.io ${suite === "bookworm" ? "" : "docker-cli"} busybox-static`;
      sh("mkdir -p /etc/docker; install -d -m 0700 /root/.ssh; apt-get update -q >&2");
      const settings = { ipv6: true, "fixed-cidr-v6": "fd00:d::/64", ip6tables: true, experimental: true };
      writeFileSync(`${host.root}/etc/docker/daemon.json`, JSON.stringify(settings));
      writeFileSync(`${host.root}/root/.ssh/authorized_keys`, ssh.publicKey, { mode: 0o600 });
      for (const name of ["iptables", "ip6tables"]) {
        sh(`update-alternatives --set ${name} /usr/sbin/${name}-${variants[suite]} >&2`);
      }
      sh(`DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends ${packages} >&2`);
      sh("tar -c -C / bin/busybox usr/bin/busybox | docker import - box >&2 && docker network create other >&2");
      const flags = ["-p 8080:80", "-p 8081:80", "-p 8082:80", "-p 127.0.0.1:8083:80", "--network other -p 8084:80"];
      for (const each of flags) sh(`docker run -d --restart always ${each} box busybox httpd -f -p 80 -h / >&2`);
      await containersRun();
      ways = {
        any4: { to: host.address, from: host.gateway },
        any6: { to: host.ipv6.host, from: host.ipv6.gateway },
        client: { to: host.address, from: client },
      };
    });
    afterAll(() => {
      host?.down();
      ssh?.[Symbol.dispose]();
    });

    test("host firewall: published ports are open past ufw, and doctor lists them", async () => {
      expect(firewall("--allow", "8080")).toMatchObject({ code: 0, stderr: "" });
      const { any4 } = await open();
      expect(any4).toEqual(published);
      expect(doctor()).toMatchObject({ status: "warning" });
      for (const port of [8081, 8082, 8084]) expect(doctor().detail).toContain(`${port}/tcp`);
    });

    test("host firewall: --docker closes published ports, also after a restart of Docker, ufw or the host", async () => {
      const flags = ["--docker", "--allow", "8080", "--allow", "8081@198.51.100.0/24"];
      expect(firewall(...flags)).toMatchObject({ code: 0, stderr: "" });
      const wanted = { any4: [8080], any6: [8080], client: [8080, 8081] };
      expect(await open()).toEqual(wanted);
      expect(doctor()).toMatchObject({ status: "ok", detail: expect.stringContaining("closed by the firewall: 808") });
      sh("systemctl restart docker");
      await containersRun();
      expect(await open()).toEqual(wanted);
      sh("ufw reload");
      expect(await open()).toEqual(wanted);
      await reboot();
      await containersRun();
      expect(await open()).toEqual(wanted);
      expect(host.run(["edox-ops", "host", "firewall", "--check", ...flags]).code).toBe(0);
    });

    test("host firewall: with --docker containers reach other hosts and each other, and loopback reaches them", async () => {
      const first = sh("docker ps -q --filter publish=8080").trim();
      const addressOf = (port: number): string => {
        const format = "{{.NetworkSettings.IPAddress}}";
        return sh(`docker inspect -f '${format}' $(docker ps -q --filter publish=${port})`).trim();
      };
      const get = (to: string) => `printf 'GET /nothing HTTP/1.0\\r\\n\\r\\n' | timeout 5 busybox nc ${to}`;
      sh(`docker exec ${first} busybox ping -c 1 -W 2 ${host.gateway}`);
      expect(sh(`docker exec ${first} busybox sh -c "${get(`${addressOf(8081)} 80`)}"`)).toContain("404");
      for (const port of [8081, 8083]) expect(sh(get(`127.0.0.1 ${port}`))).toContain("404");
      // A neighbour that routes to the network of the containers reaches none of their ports.
      const address = addressOf(8080);
      expect(run(["ip", "route", "add", `${address}/32`, "via", host.address]).code).toBe(0);
      try {
        expect(await openPorts({ to: address, from: host.gateway }, [80])).toEqual([]);
      } finally {
        run(["ip", "route", "del", `${address}/32`, "via", host.address]);
      }
    });

    test("host firewall: without --docker the filter is removed, and nothing of it is left", async () => {
      expect(firewall("--allow", "8080")).toMatchObject({ code: 0, stderr: "" });
      expect((await open()).any4).toEqual(published);
      expect(sh("nft list tables | grep edox; ls /etc/systemd/system /etc/edox-ops | grep docker-firewall; true")).toBe(
        "",
      );
    });
  });
}
