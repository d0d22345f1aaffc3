import { expect, test } from "bun:test";
import { apt } from "../../src/doctor/apt.ts";
import { examine } from "../../src/doctor/doctor.ts";
import { upkeep } from "../../src/doctor/upkeep.ts";
import { publicKeys } from "../../src/signature/openpgp.ts";
import { fakeDebian } from "../fake-debian.ts";
import { type FakeHost, ok } from "../fake-host.ts";
import { keyring, signature } from "../openpgp.ts";

async function finding(name: string, host: FakeHost) {
  return (await examine(host, [], [...upkeep, ...apt])).find((each) => each.name === name);
}

test("host:reboot: a pending reboot names the packages that request it, each once", async () => {
  const host = fakeDebian();
  expect((await finding("host:reboot", host))?.status).toBe("ok");
  host.put("/run/reboot-required", "");
  host.put("/run/reboot-required.pkgs", "libc6\nlinux-base\nlibc6\n");
  expect(await finding("host:reboot", host)).toEqual({
    name: "host:reboot",
    status: "warning",
    detail: "required by libc6, linux-base",
    affects: "updates that take effect only after a reboot",
    hint: ["sudo", "systemctl", "reboot"],
  });
});

test("host:units: failed units are named, and a systemd that does not respond is unknown", async () => {
  const host = fakeDebian();
  expect((await finding("host:units", host))?.status).toBe("ok");
  host.taught.unshift((argv) => (argv[0] === "systemctl" ? ok("bad.service loaded failed failed Bad\n") : undefined));
  expect(await finding("host:units", host)).toMatchObject({
    status: "warning",
    detail: "failed: bad.service",
    hint: ["systemctl", "status", "bad.service"],
  });
  host.taught.unshift(() => ({ code: 1, stdout: "", stderr: "Failed to connect to bus" }));
  expect((await finding("host:units", host))?.detail).toContain("Failed to connect");
});

test("host:units: a failed unit that a failing check reports follows from that check, and any other does not", async () => {
  const host = fakeDebian();
  const of = async (failed: string, status: "ok" | "error") => {
    host.taught.unshift((argv) => (argv[0] === "systemctl" ? ok(failed) : undefined));
    const active = { name: "nginx:active", run: () => ({ status, detail: "" }) };
    return (await examine(host, [], [...upkeep, active])).find(({ name }) => name === "host:units");
  };
  const nginx = "nginx.service loaded failed failed nginx\n";
  expect((await of(nginx, "error"))?.follows).toBe("nginx:active");
  expect(await of(nginx, "ok")).not.toHaveProperty("follows");
  expect(await of(`${nginx}bad.service loaded failed failed Bad\n`, "error")).not.toHaveProperty("follows");
});

test("host:time: the service that keeps the clock is named, and a host without one is a warning", async () => {
  const host = fakeDebian();
  expect((await finding("host:time", host))?.detail).toBe("the clock is synchronized");
  host.remove("/run/systemd/timesync/synchronized");
  expect((await finding("host:time", host))?.hint).toEqual(["sudo", "apt-get", "install", "systemd-timesyncd"]);
  host.put("/run/systemd/container", "lxc");
  expect((await finding("host:time", host))?.status).toBe("ok");
  host.link("/run/systemd/units/invocation:systemd-timesyncd.service", "0");
  expect(await finding("host:time", host)).toMatchObject({
    status: "warning",
    hint: ["timedatectl", "timesync-status"],
  });
  host.remove("/run/systemd/units/invocation:systemd-timesyncd.service");
  host.link("/run/systemd/units/invocation:chrony.service", "0");
  expect((await finding("host:time", host))?.detail).toBe("the clock is kept by chrony");
});

test("apt:sources: a source without lists is named without its password, in both formats, unless it is disabled", async () => {
  const host = fakeDebian();
  expect((await finding("apt:sources", host))?.status).toBe("ok");
  host.put(
    "/etc/apt/sources.list.d/a.list",
    "# deb http://no.test/ x main\ndeb [arch=amd64] https://u:p@a.test/a_b ./\n",
  );
  host.put(
    "/etc/apt/sources.list.d/b.sources",
    "Types: deb\nURIs: http://b.test\n# note\nSuites: one\n two\n\nEnabled: no\nURIs: http://off.test\nSuites: x\n",
  );
  host.put("/etc/apt/sources.list.d/ignored.save", "deb http://save.test/ x main\n");
  host.put("/var/lib/apt/lists/b.test_dists_two_Release", "");
  expect(await finding("apt:sources", host)).toMatchObject({
    status: "warning",
    detail: "the lists of these sources were never fetched: https://a.test/a_b ./, http://b.test one",
    hint: ["sudo", "apt-get", "update"],
  });
  host.put("/var/lib/apt/lists/a.test_a%5fb_._InRelease", "");
  host.put("/var/lib/apt/lists/b.test_dists_one_InRelease", "");
  expect((await finding("apt:sources", host))?.status).toBe("ok");
});

test("apt:sources: sources that apt cannot read are a failure, and ones that are listed twice a warning", async () => {
  const host = fakeDebian();
  const twice = (kind: string) =>
    `W: Target Packages (main/binary-${kind}/Packages) is configured multiple times in /etc/apt/sources.list:1 and /etc/apt/sources.list.d/a.list:3\n`;
  const says = (code: number, stderr: string) =>
    host.taught.unshift((argv) => (argv.includes("indextargets") ? { code, stdout: "", stderr } : undefined));
  host.put("/etc/apt/sources.list.d/a.list", "deb https://deb.test/debian/ bookworm main\n");
  says(0, twice("amd64") + twice("all"));
  expect(await finding("apt:sources", host)).toEqual({
    name: "apt:sources",
    status: "warning",
    detail:
      "/etc/apt/sources.list.d/a.list:3 repeats /etc/apt/sources.list:1, and apt warns about it in each run: remove one of them",
    hint: ["sed", "-n", "3p", "/etc/apt/sources.list.d/a.list"],
    affects: "updates and installations of packages",
  });
  says(100, "E: Malformed entry 1 in list file /etc/apt/sources.list (Suite)\n");
  expect(await finding("apt:sources", host)).toMatchObject({
    status: "error",
    detail: "apt cannot read its sources: Malformed entry 1 in list file /etc/apt/sources.list (Suite)",
    hint: ["cat", "-n", "/etc/apt/sources.list"],
  });
});

test("apt:sources: a missing key of a source is a failure", async () => {
  const host = fakeDebian();
  host.put("/etc/apt/sources.list.d/a.list", "deb [ signed-by=/etc/apt/keyrings/a.gpg ] http://a.test x main\n");
  expect(await finding("apt:sources", host)).toMatchObject({
    status: "error",
    detail: "the key of http://a.test x is missing: /etc/apt/keyrings/a.gpg",
  });
});

test("apt:sources: each source without its key is named, beside directories with the names of a source and a key", async () => {
  const host = fakeDebian();
  host.dir("/etc/apt/sources.list.d/odd.list");
  host.dir("/etc/apt/keyrings/c.gpg");
  host.put(
    "/etc/apt/sources.list.d/three.list",
    ["a", "b", "c"].map((name) => `deb [signed-by=/etc/apt/keyrings/${name}.gpg] http://${name}.test x y\n`).join(""),
  );
  expect((await finding("apt:sources", host))?.detail).toBe(
    "the key of http://a.test x is missing: /etc/apt/keyrings/a.gpg; the key of http://b.test x is missing: /etc/apt/keyrings/b.gpg",
  );
  expect((await finding("apt:keys", host))?.status).toBe("ok");
});

test("apt:keys: a used key that expires soon is a warning, an expired one a failure, and unused ones are ignored", async () => {
  const created = 1_700_000_000;
  const ring = (days: number) => {
    const now = fakeDebian().now() / 1000;
    return keyring({ created, lives: [Math.floor(now - created) + days * 86_400] });
  };
  for (const [days, status] of [
    [61, "ok"],
    [59, "warning"],
    [-1, "error"],
  ] as const) {
    const bytes = ring(days);
    const [key] = publicKeys(bytes);
    const signed = (id: string): string =>
      `-----BEGIN PGP SIGNATURE-----\n\n${signature(0, id).toString("base64")}\n-----END PGP SIGNATURE-----\n`;
    const list = "/var/lib/apt/lists/a.test_dists_x_InRelease";
    const named = fakeDebian();
    named.put("/etc/apt/sources.list.d/a.list", "deb [signed-by=/usr/share/keyrings/a.gpg] http://a.test x main\n");
    named.put("/usr/share/keyrings/a.gpg", bytes);
    named.put(list, signed(key?.id ?? ""));
    expect((await finding("apt:keys", named))?.status).toBe(status);
    named.put(list, signed("00".repeat(8)));
    expect((await finding("apt:keys", named))?.status).toBe("ok");

    const within = fakeDebian();
    const armored = `-----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n ${bytes.toString("base64")}\n -----END PGP PUBLIC KEY BLOCK-----`;
    within.put(
      "/etc/apt/sources.list.d/a.sources",
      `Types: deb\nURIs: http://a.test/\nSuites: x\nSigned-By:\n ${armored}\n`,
    );
    within.put(list, signed(key?.id ?? ""));
    expect((await finding("apt:keys", within))?.status).toBe(status);

    const trusted = fakeDebian();
    trusted.put("/etc/apt/trusted.gpg.d/a.gpg", bytes);
    trusted.put("/var/lib/apt/lists/deb.test_debian_dists_bookworm_InRelease", signed(key?.id ?? ""));
    expect((await finding("apt:keys", trusted))?.status).toBe(status);
  }
});
