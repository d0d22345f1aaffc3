// Tests self-update on a real host with real programs: while a run is in progress, through a proxy, with a private
// authority, interrupted and killed; and the rollback.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { compile } from "../../build/build.ts";
import { makeKeys, makeRelease, sha256 } from "../install/release.ts";
import { type CiServer, standsFor } from "./ci-server.ts";
import { type ConnectProxy, connectProxy } from "./connect-proxy.ts";
import { must } from "./run.ts";
import { TestHost } from "./test-host.ts";

const dir = mkdtempSync(`${tmpdir()}/edox-update-`);
/** The address by the name that a host uses for this machine. */
const base = "https://gateway";
const [old, next] = ["1.0.0", "1.1.0"] as const;
const binaryOf = (version: string): string => `${dir}/${version}/edox-ops`;
const program = "/usr/local/bin/edox-ops";
const left = [".edox-ops.previous", "edox-ops"];
let host: TestHost;
let server: CiServer;
let proxy: ConnectProxy;

beforeAll(async () => {
  const keys = makeKeys(dir);
  mkdirSync(`${dir}/served`);
  for (const version of [old, next]) {
    const known = { version, keys: keys.publicKey, releases: base };
    await compile(`${import.meta.dir}/../../src/main.ts`, binaryOf(version), "linux-x64", known);
    makeRelease(`${dir}/served`, version, binaryOf(version), base, keys);
  }
  host = await TestHost.up("bookworm");
  server = await standsFor(host, `${dir}/served`);
  proxy = await connectProxy(host.gateway);
  host.put(binaryOf(old), program);
}, 180_000);
afterAll(() => {
  for (const each of [proxy, server, host]) each?.[Symbol.dispose]();
  rmSync(dir, { recursive: true, force: true });
});

const version = (): string => host.run([program, "--version"]).stdout.trim();
const listed = (): string[] => host.sh("ls -A /usr/local/bin").stdout.split("\n").filter(Boolean);

test("self-update: a server with an unknown authority is refused, and one with a configured authority is accepted", () => {
  const unknown = host.run([program, "self-update"]);
  expect(unknown).toMatchObject({ code: 1, stdout: "" });
  expect(unknown.stderr).toContain("its certificate is issued by an unknown authority");
  expect(
    host.sh("DEBIAN_FRONTEND=noninteractive apt-get update -qq && apt-get install -y -qq ca-certificates"),
  ).toMatchObject({
    code: 0,
  });
  expect(host.run([program, "self-update", "--check"])).toEqual({
    code: 3,
    stdout: `edox-ops ${old} can become ${next}: edox-ops self-update\n`,
    stderr: "",
  });
});

test("self-update: Ctrl-C leaves only the old program, and leftovers of a SIGKILL are removed by the next update", () => {
  host.network("slow");
  const interrupted = host.run(["timeout", "--preserve-status", "-s", "INT", "3", program, "self-update"]);
  expect([interrupted.code, interrupted.stdout]).toEqual([130, ""]);
  expect(interrupted.stderr).toContain("interrupted by SIGINT");
  expect([listed(), version()]).toEqual([["edox-ops"], old]);
  host.run(["timeout", "-s", "KILL", "3", program, "self-update"]);
  host.network("up");
  expect([listed(), version()]).toEqual([[".edox-ops.update", "edox-ops"], old]);
});

test("self-update: is refused during another update or installation, on a read-only file system, and for other users", () => {
  const busy = host.sh(`flock /run/edox-ops/program.lock sleep 600 & holder=$!
    while flock -n /run/edox-ops/program.lock true; do sleep 0.1; done
    ${program} self-update; code=$?; pkill -P $holder; wait; exit $code`);
  expect([busy.code, busy.stderr]).toEqual([
    75,
    expect.stringContaining("error: another run holds the lock: flock /run/edox-ops/program.lock"),
  ]);
  const readOnly = `mount --bind /usr/local /usr/local && mount -o remount,ro,bind /usr/local; ${program} self-update; code=$?; umount /usr/local; exit $code`;
  const frozen = host.sh(readOnly);
  expect([frozen.code, frozen.stderr]).toEqual([1, expect.stringContaining("/usr/local is a read-only file system")]);
  const asUser = host.run(["setpriv", "--reuid=33", "--clear-groups", program, "self-update"]);
  expect([asUser.code, asUser.stderr]).toEqual([2, expect.stringContaining("hint: sudo edox-ops self-update")]);
  expect(version()).toBe(old);
});

test("self-update: a run in progress continues with the old program to its end", () => {
  const script = `flock /var/lib/dpkg/lock-frontend sleep 600 & holder=$!
    ${program} bootstrap --yes >/root/run 2>&1 & run=$!
    timeout 60 sh -c 'until grep -q waiting /root/run; do sleep 0.1; done'
    ${program} self-update
    pkill -P $holder; wait $run; echo "the run ended with $?"`;
  const { stdout } = host.sh(script);
  expect(stdout).toBe(
    `edox-ops ${old} -> ${next}: ${program} (back: edox-ops self-update --rollback)\nthe run ended with 0\n`,
  );
  expect(host.sh("tail -n 1 /root/run").stdout).toBe("Bootstrap installation phase completed successfully.\n");
  expect([listed(), version()]).toEqual([left, next]);
  expect(host.run(["sha256sum", program]).stdout.slice(0, 64)).toBe(sha256(binaryOf(next)));
  expect(host.run([program, "self-update"])).toEqual({
    code: 0,
    stdout: `edox-ops ${next} is the latest release\n`,
    stderr: "",
  });
});

test("limits: in a unit with MemoryDenyWriteExecute=yes read-only commands work, and a command that takes a lock names the unit", () => {
  const inUnit = (line: string) =>
    host.sh(`systemd-run --quiet --pipe --wait --unit=strict -p MemoryDenyWriteExecute=yes ${program} ${line}`);
  expect(inUnit("doctor --quiet")).toMatchObject({ code: 0, stdout: "" });
  expect(inUnit("self-update")).toEqual({
    code: 1,
    stdout: "",
    stderr:
      "error: memory of this process may not become executable (MemoryDenyWriteExecute= of strict.service, or SELinux); edox-ops needs it to take locks\nhint: systemctl show --property=MemoryDenyWriteExecute strict.service\n",
  });
});

test("self-update: rolls back, and updates again through a proxy", async () => {
  const back = `edox-ops ${next} -> ${old}: ${program} (back: edox-ops self-update --rollback)\n`;
  expect(host.run([program, "self-update", "--rollback"])).toEqual({ code: 0, stdout: back, stderr: "" });
  expect([listed(), version()]).toEqual([left, old]);
  const forth = host.run(["env", `https_proxy=${proxy.url}`, program, "self-update", "--json"]);
  expect(JSON.parse(forth.stdout)).toMatchObject({
    outcome: "changed",
    update: { from: old, to: next, path: program, previous: "/usr/local/bin/.edox-ops.previous" },
  });
  expect(await proxy.asked()).toContain("gateway:443");
  expect(host.run([program, "self-update", "--version", old]).code).toBe(0);
  expect([listed(), version()]).toEqual([left, old]);
});

test("self-update: an old release that is served as the latest is detected", async () => {
  const replayed = `${dir}/replayed`;
  must(["cp", "-a", `${dir}/served`, replayed]);
  must(["rm", "-r", `${replayed}/permalink/latest`]);
  must(["cp", "-a", `${replayed}/v${old}`, `${replayed}/permalink/latest`]);
  expect(host.run([program, "self-update", "--version", next]).code).toBe(0);
  await server.swap(replayed);
  const { code, stderr } = host.run([program, "self-update"]);
  await server.swap(`${dir}/served`);
  expect([code, stderr]).toEqual([
    1,
    expect.stringContaining(`the latest release is ${old}, which is older than the installed ${next}`),
  ]);
  expect(version()).toBe(next);
});

test("locks: a user who locks every file and directory that they can open blocks no command and no installer", () => {
  host.put(`${dir}/served/v${next}/downloads/install.sh`, "/root/install.sh");
  host.put(binaryOf(next), "/root/carried");
  const places = "/run /tmp /usr/local /var/www /var/log /var/lib/dpkg /var/lib/apt /etc/edox-ops /etc/nginx";
  const hold = `for path in $(find ${places} -readable 2>/dev/null); do
      [ -f "$path" ] || [ -d "$path" ] || continue
      { exec {fd}<"$path"; } 2>/dev/null && flock -n $fd && echo "$path"
    done; echo all; exec sleep 600`;
  const { stdout } = host.sh(`mkdir -p /srv/site; echo one >/srv/site/index.html
    edox-ops project publish demo --domain demo.test --source /srv/site --quiet
    (ulimit -n 20000; exec setpriv --reuid=1000 --regid=1000 --clear-groups bash -c '${hold}') >/root/locked & holder=$!
    timeout 60 sh -c 'until grep -qx all /root/locked; do sleep 0.1; done'
    edox-ops bootstrap --yes --quiet; echo "bootstrap $?"
    edox-ops project deploy demo --source /srv/site --quiet; echo "deploy $?"
    edox-ops self-update --version ${old} --quiet; echo "update $?"
    edox-ops self-update --rollback --quiet; echo "rollback $?"
    EDOX_OFFLINE_FILE=/root/carried timeout 60 sh /root/install.sh >/dev/null; echo "install $?"
    kill $holder`);
  expect(stdout).toBe("bootstrap 0\ndeploy 0\nupdate 0\nrollback 0\ninstall 0\n");
  const locked = host.sh("cat /root/locked").stdout.split("\n");
  expect(locked).toEqual(expect.arrayContaining(["/run", "/usr/local/bin", program]));
  expect(locked.filter((path) => path.startsWith("/run/edox-ops/"))).toEqual([]);
});

test("self-update: a deploy in progress succeeds while its program is replaced twice, and one starts during an update", () => {
  const deploy = "edox-ops project deploy demo --quiet --source";
  const during = host.sh(`echo two >/srv/site/index.html; tar -C /srv/site -cf /root/site.tar .
    { head -c 512 /root/site.tar; until [ -e /root/go ]; do sleep 0.1; done; tail -c +513 /root/site.tar; } |
      ${deploy} - & deploy=$!
    timeout 60 sh -c 'until ls -A /var/www/docs/*/.edox* /var/www/docs/.edox* 2>/dev/null | grep -q demo; do sleep 0.1; done'
    edox-ops self-update --version ${old} --quiet; echo "update $?"
    edox-ops self-update --version ${next} --quiet; echo "update $?"
    readlink /proc/$deploy/exe | grep -o "(deleted)"; touch /root/go; wait $deploy; echo "deploy $?"; cat /var/www/docs/demo/index.html`);
  expect(during).toMatchObject({
    stdout: `update 0\nupdate 0\n(deleted)\ndeploy 0\ntwo\n`,
    stderr: "",
  });
  host.network("slow");
  const meanwhile = host.sh(`edox-ops self-update --version ${old} --quiet & update=$!
    timeout 60 sh -c 'until ls /usr/local/bin/.edox-ops.update/*.deb >/dev/null 2>&1; do sleep 0.1; done'
    echo three >/srv/site/index.html; ${deploy} /srv/site; echo "deploy $?"
    kill -0 $update && cat /var/www/docs/demo/index.html; kill -INT $update; wait $update; echo "update $?"`);
  host.network("up");
  expect(meanwhile.stdout).toBe("deploy 0\nthree\nupdate 130\n");
  expect(version()).toBe(next);
});

test("signal: a run that waits for a hanging postinst names it, and continues when that is ended", () => {
  const made = host.sh(`cd /root; mkdir -p demo/DEBIAN
    printf 'Package: demo\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b>\nDescription: d\n' >demo/DEBIAN/control
    printf '#!/bin/sh\nsleep 600\n' >demo/DEBIAN/postinst; chmod 755 demo/DEBIAN/postinst
    apt-get remove --yes rsync && dpkg-deb --build demo && dpkg --unpack demo.deb`);
  expect(made.code).toBe(0);
  const { stdout } = host.sh(`env --default-signal=INT edox-ops bootstrap --yes >/dev/null 2>/root/said & run=$!
    timeout 60 sh -c 'until pgrep -x demo.postinst; do sleep 0.1; done' >/root/hanging
    kill -INT $run; timeout 60 sh -c 'until grep -q waiting /root/said; do sleep 0.1; done'
    kill $(cat /root/hanging); wait $run; echo $?; cat /root/said; dpkg --purge demo >/dev/null`);
  const [hanging] = host.sh("cat /root/hanging").stdout.split("\n");
  expect(stdout).toBe(
    `130\ninterrupted by SIGINT: still waiting for dpkg, which runs /var/lib/dpkg/info/demo.postinst (kill ${hanging} ends that)\nerror: packages.install: interrupted by SIGINT\nhint: edox-ops bootstrap --yes\n`,
  );
  expect(host.run(["edox-ops", "bootstrap", "--yes", "--quiet"]).code).toBe(0);
});

test("uninstall: the program and its previous version are removed, and nginx keeps running", () => {
  const before = host.listing("/etc/nginx", "/var/www", "/etc/edox-ops");
  const { code, stdout } = host.run([program, "uninstall", "--yes"]);
  expect(code).toBe(0);
  expect(stdout).toContain("warning: what is in /etc/edox-ops and /var/log/edox-ops is kept");
  expect(stdout).toEndWith("edox-ops is uninstalled; what it set up is kept.\n");
  expect(listed()).toEqual([]);
  expect(host.listing("/etc/nginx", "/var/www", "/etc/edox-ops")).toBe(before);
  expect(host.run(["systemctl", "is-active", "nginx"]).stdout).toBe("active\n");
});
