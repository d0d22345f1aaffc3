// States of apt and dpkg in memory in which bootstrap cannot install nginx.

import type { FakeHost } from "../fake-host.ts";
import { type Case, removeNginx } from "./cases.ts";

const statusPath = "/var/lib/dpkg/status";
const hookPath = "/etc/apt/apt.conf.d/05hook";

/** Removes nginx, and makes the package commands of edox-ops, which have many options, end with this result. */
function failing(host: FakeHost, end: (line: string) => string | undefined, code = 100): void {
  removeNginx(host);
  host.taught.unshift((argv) => {
    const line = argv.join(" ");
    const isOurs = line.startsWith("apt-get -q") || line.includes("--force-conf");
    const stderr = isOurs && !line.includes("--simulate") ? end(line) : undefined;
    return stderr === undefined ? undefined : { code, stdout: "", stderr };
  });
}

/** A package as dpkg records it. */
function add(host: FakeHost, name: string, state: string): void {
  host.put(statusPath, `${host.text(statusPath)}Package: ${name}\nStatus: ${state}\nVersion: 1\n\n`);
}

const isInstalled = (host: FakeHost, name: string): boolean => {
  return (host.text(statusPath) ?? "").includes(`Package: ${name}\nStatus: install ok installed`);
};

const parts = "/etc/apt/sources.list.d";
const docker = "https://download.docker.com/linux/debian";
const list = `deb [signed-by=/a.gpg] ${docker} bookworm stable\n`;
const stanza = (uri: string) => `Types: deb\nURIs: ${uri}\nSuites: bookworm\nComponents: stable\nSigned-By: /b.asc\n`;

/** apt reads two files that name one repository with different keys, and then rejects both. */
function conflicting(host: FakeHost, first: string, second: string): void {
  host.put(`${parts}/docker.list`, first);
  host.put(`${parts}/docker.sources`, second);
  for (const key of ["/a.gpg", "/b.asc"]) host.put(key, "key");
  const stderr = `E: Conflicting values set for option Signed-By regarding source ${docker}/ bookworm: /a.gpg != /b.asc\n`;
  host.taught.unshift((argv) => {
    const reads = [`${parts}/docker.list`, `${parts}/docker.sources`].every((path) => host.nodes.has(path));
    return argv.includes("indextargets") && reads ? { code: 100, stdout: "", stderr } : undefined;
  });
}

export const aptCases: Case[] = [
  {
    of: 'resources/apt-readable.ts ["sudo", "mv", spare, `{spare}.disabled`]',
    state(host) {
      removeNginx(host);
      conflicting(host, list, stanza(docker));
    },
    from: "bootstrap --yes",
  },
  {
    of: 'resources/apt-readable.ts ["cat", "-n", paths.at(-1) ?? ""]',
    state(host) {
      removeNginx(host);
      const elsewhere = `${list}deb http://other.test x main\n`;
      conflicting(host, elsewhere, `${stanza(docker)}\n${stanza("http://other.test")}`);
    },
    from: "bootstrap --yes",
    shows: "Signed-By: /b.asc",
  },
  {
    of: 'resources/apt-lock.ts ["ps", "-fp", String(holder.pid)]',
    state(host) {
      removeNginx(host);
      host.locks.set("/var/lib/dpkg/lock-frontend", { pid: process.pid, command: "apt", sinceMs: host.now() });
      host.put("/var/lib/dpkg/lock-frontend", "");
    },
    from: "bootstrap --yes",
    shows: String(process.pid),
  },
  {
    of: 'doctor/upkeep.ts ["apt-get", "install", "systemd-timesyncd"]',
    state(host) {
      host.remove("/run/systemd/timesync/synchronized");
      // The package starts its service, which asks for the time.
      host.taught.unshift((argv) => {
        if (argv.join(" ") === "apt-get install systemd-timesyncd") host.put("/run/systemd/timesync/synchronized", "");
        return undefined;
      });
    },
    from: "host:time",
  },
  {
    of: 'apt/failure.ts ["sudo", "apt-mark", "unhold", ...names]',
    state(host) {
      const held = "E: Held packages were changed and -y was used without --allow-change-held-packages.\n";
      const isHeld = () => (host.text(statusPath) ?? "").includes("Status: hold");
      failing(host, (line) => (line.includes(" install ") && isHeld() ? held : undefined));
      add(host, "nginx", "hold ok not-installed");
    },
    from: "bootstrap --yes",
  },
  {
    of: 'apt/failure.ts ["cat", hook.path]',
    state(host) {
      const said = "E: Problem executing scripts DPkg::Pre-Invoke 'exit 3'\nE: Sub-process returned an error code\n";
      failing(host, (line) => (line.includes(" install ") ? said : undefined));
      host.put(hookPath, 'DPkg::Pre-Invoke { "exit 3"; };\n');
    },
    from: "bootstrap --yes",
    shows: 'DPkg::Pre-Invoke { "exit 3"; };',
  },
  {
    of: 'apt/failure.ts ["sudo", "apt-get", "update"]',
    state(host) {
      const said = "E: Failed to fetch http://deb.test/debian/InRelease  Connection refused\n";
      failing(host, () => said);
      host.taught.unshift((argv) =>
        argv.join(" ") === "apt-get update" ? { code: 100, stdout: "", stderr: said } : undefined,
      );
    },
    from: "bootstrap --yes",
    shows: "Connection refused",
  },
  {
    of: 'apt/finish.ts ["sudo", "dpkg", "--configure", "-a"]',
    // dpkg asks about a configuration file that both sides changed, and a person answers.
    state(host) {
      const isLeft = () => host.nodes.has("/var/lib/dpkg/updates/0001");
      failing(host, (line) =>
        isLeft() && !line.includes("update") ? "dpkg: error processing package demo\n" : undefined,
      );
      host.put("/var/lib/dpkg/updates/0001", "");
    },
    from: "bootstrap --yes",
  },
  {
    of: 'apt/finish.ts ["sudo", "apt-get", "install", ...names]',
    state(host) {
      const isLeft = () => (host.text(statusPath) ?? "").includes("ok unpacked");
      failing(host, (line) =>
        isLeft() && !line.includes("update") ? "dpkg: error processing package demo\n" : undefined,
      );
      add(host, "demo", "install ok unpacked");
      host.taught.unshift((argv) => {
        if (argv.join(" ") !== "apt-get install demo") return undefined;
        host.put(statusPath, (host.text(statusPath) ?? "").replace("ok unpacked", "ok installed"));
        return { code: 0, stdout: "", stderr: "" };
      });
    },
    from: "bootstrap --yes",
  },
  {
    of: 'apt/failure.ts ["sudo", "apt-get", "install", "--fix-broken", ...names]',
    state(host) {
      const said = "E: Unmet dependencies. Try 'apt --fix-broken install' with no packages\n";
      failing(host, (line) => (line.includes(" install ") && !isInstalled(host, "nginx") ? said : undefined));
    },
    from: "bootstrap --yes",
  },
  {
    of: 'apt/run.ts ["sudo", "apt-get", "update"]',
    state(host) {
      failing(host, (line) => (line.includes("update") ? "Get:2 http://deb.test\n" : undefined), 124);
      host.taught.unshift((argv) =>
        argv.join(" ") === "apt-get update"
          ? { code: 0, stdout: "Get:2 http://deb.test git\n", stderr: "" }
          : undefined,
      );
    },
    from: "bootstrap --yes",
    shows: "Get:2 http://deb.test",
  },
  {
    of: 'apt/run.ts ["sudo", ...line]',
    state(host) {
      failing(host, (line) => (line.startsWith("dpkg") ? "" : undefined), 124);
      host.put("/var/lib/dpkg/updates/0001", "");
    },
    from: "bootstrap --yes",
  },
];
