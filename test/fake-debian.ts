// A bare Debian-like host in memory, with an apt, a systemd and an nginx that change its files like the real ones.

import { directives, nginxConfig } from "../src/nginx/config.ts";
import { type FakeHost, fakeHost, ok } from "./fake-host.ts";
import { variablesTooLong } from "./nginx/variables.ts";
import { keyring } from "./openpgp.ts";

/** The test keys that stand for those of Docker and GitLab. */
export const dockerKey = keyring({ created: 1000, lives: [0], subkey: 0 });
export const runnerKey = keyring({ created: 2000, lives: [0] });

const welcome = "server {\n    listen 80 default_server;\n    listen [::]:80 default_server;\n}\n";
const md5 = (text: string): string => new Bun.CryptoHasher("md5").update(text).digest("hex");

export interface Like {
  id?: string;
  version?: string;
  codename?: string;
  like?: string;
  /** Additional lines of os-release. */
  release?: string[];
  nginx?: string;
  /** Whether nginx has the files of the nginx.org package. */
  nginxOrg?: true;
  ipv6?: boolean;
  architecture?: string;
  model?: string;
  uid?: number;
}

export function fakeDebian(options: Like = {}): FakeHost {
  const { id = "debian", version = "12", codename = "bookworm", like, nginx = "1.22.1-9", ipv6 = true } = options;
  const host = fakeHost(options.uid ?? 0);
  const booted = host.now() - 1_000_000;

  for (const path of ["/usr/bin", "/usr/sbin", "/etc/systemd/system/multi-user.target.wants", "/run/systemd/units"])
    host.dir(path);
  for (const path of ["/run/systemd/system", "/var/log", "/var/lib/dpkg/updates", "/var/cache/apt", "/proc"])
    host.dir(path);
  for (const path of ["/etc/apt/sources.list.d", "/etc/apt/preferences.d"]) host.dir(path);
  host.put("/usr/bin/apt-get", "");
  host.put("/etc/group", "root:x:0:\nadm:x:4:\nwww-data:x:33:\n");
  host.put("/etc/apt/sources.list", `deb http://deb.test/debian ${codename} main\n`);
  host.put(`/var/lib/apt/lists/deb.test_debian_dists_${codename}_InRelease`, "");
  host.put("/run/systemd/timesync/synchronized", "");
  if (options.model) host.put("/proc/device-tree/model", `${options.model}\0`);
  host.put(
    "/etc/os-release",
    [
      `ID=${id}`,
      `VERSION_ID="${version}"`,
      `VERSION_CODENAME=${codename}`,
      ...(like ? [`ID_LIKE="${like}"`] : []),
      ...(options.release ?? []),
    ].join("\n"),
  );
  host.put("/var/lib/dpkg/status", paragraph("dpkg", "1.21", `Architecture: ${options.architecture ?? "amd64"}\n`));
  host.put("/proc/uptime", () => `${(host.now() - booted) / 1000} 0`);
  host.put("/proc/net/if_inet6", ipv6 ? "00000000000000000000000000000001 01 80 10 80 lo\n" : "");

  /** systemd links an enabled timer, and remembers an active one until the next boot. */
  const ownTimer = (verb: string, unit: string) => {
    const link = `/etc/systemd/system/timers.target.wants/${unit}`;
    const active = `/run/systemd/units/timer:${unit}`;
    if (verb === "show") return ok(`ActiveState=${host.stat(active) === null ? "inactive" : "active"}\n`);
    const path = `/etc/systemd/system/${unit}`;
    // systemd removes an empty file as it does a mask, with the links to it, and disables no unit that is masked or missing.
    const isEmpty = host.text(path) === "";
    if (verb === "unmask" && isEmpty) host.nodes.delete(path);
    if (verb === "disable" && isEmpty) return ok();
    if (verb === "disable" && host.stat(path) === null)
      return { code: 1, stdout: "", stderr: `${unit} does not exist.` };
    if (verb === "start" || verb === "restart") host.put(active, "");
    else if (verb === "enable") host.link(link, `/etc/systemd/system/${unit}`);
    else host.nodes.delete(verb === "stop" ? active : link);
    return ok();
  };
  const startNginx = (): void => {
    // Old workers must be removed, since a search of all processes would find them.
    const old = Number(host.text("/proc/99/task/99/children") ?? 100);
    for (const name of host.list(`/proc/${old}`) ?? []) host.remove(`/proc/${old}/${name}`);
    const generation = old + 1;
    const workerStart = host.now();
    host.link("/run/systemd/units/invocation:nginx.service", "0123456789abcdef");
    host.put("/run/nginx.pid", "99\n");
    host.put("/proc/99/task/99/children", `${generation} `);
    host.put(`/proc/${generation}/cmdline`, "nginx: worker process\0");
    const ticks = Math.ceil((workerStart - booted) / 10);
    host.put(`/proc/${generation}/stat`, `${generation} (nginx) S 99 ${"0 ".repeat(17)}${ticks} 0`);
  };
  const installNginxOrg = (): void => {
    host.put(
      "/etc/nginx/nginx.conf",
      "user nginx;\nhttp {\n include /etc/nginx/mime.types;\n include /etc/nginx/conf.d/*.conf;\n}\n",
    );
    host.put("/etc/nginx/mime.types", "types {}\n");
    host.put("/etc/nginx/conf.d/default.conf", "server {\n    listen       80;\n    server_name  localhost;\n}\n");
  };
  const installNginx = (): void => {
    host.put(
      "/etc/nginx/nginx.conf",
      "http {\n include /etc/nginx/conf.d/*.conf;\n include /etc/nginx/sites-enabled/*;\n}\n",
    );
    for (const name of ["conf.d", "sites-available", "sites-enabled", "modules-enabled"])
      host.dir(`/etc/nginx/${name}`);
    host.put("/etc/nginx/sites-available/default", welcome);
    if (host.stat("/etc/nginx/sites-enabled/default") === null) {
      host.link("/etc/nginx/sites-enabled/default", "/etc/nginx/sites-available/default");
    }
  };
  const has = (name: string): boolean => (host.text("/var/lib/dpkg/status") ?? "").includes(`Package: ${name}\n`);
  const drop = (name: string): void => {
    const all = (host.text("/var/lib/dpkg/status") ?? "").split("\n\n");
    host.put("/var/lib/dpkg/status", all.filter((each) => !each.startsWith(`Package: ${name}\n`)).join("\n\n"));
  };
  const add = (name: string): void => {
    if (has(name)) return;
    const extra = name === "nginx-common" ? `Conffiles:\n /etc/nginx/sites-available/default ${md5(welcome)}\n` : "";
    host.put(
      "/var/lib/dpkg/status",
      `${host.text("/var/lib/dpkg/status")}${paragraph(name, name === "nginx" ? nginx : "1", extra)}`,
    );
    if (name === "ca-certificates") {
      host.put("/etc/ssl/certs/ca-certificates.crt", "certificates");
      host.put("/usr/sbin/update-ca-certificates", "");
    }
    brought[name]?.();
    if (name === "nginx") {
      host.dir("/var/log/nginx");
      if (options.nginxOrg) installNginxOrg();
      else {
        add("nginx-common");
        installNginx();
      }
      host.link("/etc/systemd/system/multi-user.target.wants/nginx.service", "/lib/systemd/system/nginx.service");
      startNginx();
    }
  };

  const units = "/etc/systemd/system";
  const started = (unit: string): void =>
    host.link(`/run/systemd/units/invocation:${unit}.service`, "0123456789abcdef");
  const brought: Record<string, () => void> = {
    sudo: () => host.dir("/etc/sudoers.d", { mode: 0o750 }),
    certbot() {
      const timer = "/lib/systemd/system/certbot.timer";
      host.put(timer, "[Timer]\n[Install]\nWantedBy=timers.target\n");
      host.link(`${units}/timers.target.wants/certbot.timer`, timer);
    },
    "docker-ce"() {
      host.put("/etc/group", `${host.text("/etc/group")}docker:x:998:\n`);
      host.put("/run/docker.sock", "");
      host.link(`${units}/multi-user.target.wants/docker.service`, "/lib/systemd/system/docker.service");
      started("docker");
    },
    "gitlab-runner"() {
      host.put(`${units}/gitlab-runner.service`, "[Service]\n");
      host.dir("/etc/gitlab-runner", { mode: 0o700 });
      host.put("/etc/gitlab-runner/config.toml", "concurrent = 1\n", { mode: 0o600 });
      host.link(`${units}/multi-user.target.wants/gitlab-runner.service`, `${units}/gitlab-runner.service`);
      started("gitlab-runner");
    },
  };
  host.served.push((method, url, { socketPath }) => {
    if (socketPath === "/run/docker.sock") {
      return host.stat(socketPath) ? { status: 200, body: new TextEncoder().encode("[]") } : undefined;
    }
    const key = { "https://download.docker.com": dockerKey, "https://packages.gitlab.com": runnerKey };
    const bytes = Object.entries(key).find(([origin]) => url.startsWith(origin))?.[1];
    return method === "GET" && bytes ? { status: 200, body: bytes } : undefined;
  });

  host.taught.push((argv) => {
    const [program, ...rest] = argv;
    if (program?.endsWith("update-ca-certificates")) {
      host.put("/etc/ssl/certs/ca-certificates.crt", "certificates");
      return ok();
    }
    if (argv.join(" ") === "rm -f /run/docker.sock") {
      host.nodes.delete("/run/docker.sock");
      return ok();
    }
    // There is no directory service: accounts that are not in the files do not exist.
    if (program === "getent") return { code: 2, stdout: "", stderr: "" };
    if (program === "useradd") {
      const [name, after] = [rest.at(-1), (flag: string) => rest[rest.indexOf(flag) + 1]];
      const id = rest.includes("--uid") ? after("--uid") : "999";
      const line = `${name}:x:${id}:${id}::${after("--home-dir")}:${after("--shell")}\n`;
      if (rest.includes("--uid")) host.dir(`${after("--home-dir")}`, { mode: 0o700, uid: Number(id), gid: Number(id) });
      host.put("/etc/passwd", `${host.text("/etc/passwd") ?? ""}${line}`);
      return ok();
    }
    if (program === "userdel") {
      const left = (host.text("/etc/passwd") ?? "").split("\n").filter((line) => !line.startsWith(`${rest.at(-1)}:`));
      host.put("/etc/passwd", left.join("\n"));
      const home = `/home/${rest.at(-1)}`;
      const isHome = (path: string): boolean => rest.includes("--remove") && `${path}/`.startsWith(`${home}/`);
      for (const path of [...host.nodes.keys()]) if (isHome(path)) host.nodes.delete(path);
      return ok();
    }
    if (program === "rm" && rest[0] === "-r") {
      for (const path of [...host.nodes.keys()]) if (`${path}/`.startsWith(`${rest[1]}/`)) host.nodes.delete(path);
      return ok();
    }
    if (program === "visudo") return ok("-: parsed OK\n");
    if (program === "sshd") return ok("pubkeyauthentication yes\nauthorizedkeysfile .ssh/authorized_keys\n");
    if (program === "sudo" && rest[1] === "-l") {
      const rule = host.text("/etc/sudoers.d/edox-ops-deploy")?.match(/NOPASSWD: (.*)/)?.[1];
      if (rule === undefined) return { code: 1, stdout: "", stderr: "" };
      return ok(rest.length > 4 ? `${rule}\n` : `may run:\n    (root) NOPASSWD: ${rule}\n`);
    }
    if (program === "usermod") {
      const [group, user] = rest.slice(-2);
      host.put("/etc/group", (host.text("/etc/group") ?? "").replace(`${group}:x:998:`, `$&${user}`));
      return ok();
    }
    if (argv.join(" ") === "systemctl show --property=ActiveState -- certbot.timer") return ok("ActiveState=active\n");
    if (program === "systemctl" && rest.at(-1) === "certbot.service" && rest[0] === "show") {
      return ok("Id=certbot.timer\nActiveState=active\n\nId=certbot.service\nResult=success\n");
    }
    if (program === "systemctl" && rest.at(-1)?.startsWith("edox-ops-") && rest.at(-1)?.endsWith(".timer")) {
      return ownTimer(`${rest[0]}`, `${rest.at(-1)}`);
    }
    if (argv.join(" ") === "systemctl stop edox-ops-recover.timer edox-ops-recover.service") return ok();
    if (argv.join(" ").startsWith("systemctl show --property=ActiveState ")) return ok("ActiveState=inactive\n");
    if (argv.join(" ").startsWith("systemctl show gitlab-runner")) {
      const drains = host.stat(`${units}/gitlab-runner.service.d/edox-ops.conf`) !== null;
      return ok(
        `KillSignal=${drains ? 3 : 15}\nKillMode=${drains ? "mixed" : "control-group"}\nTimeoutStopUSec=${drains ? "2h" : "1min 30s"}\nMainPID=77\n`,
      );
    }
    if (argv.join(" ").startsWith("systemctl reset-failed ")) return ok();
    if (argv.join(" ") === "systemctl daemon-reload" || argv.join(" ").startsWith("systemctl kill ")) return ok();
    if (argv.join(" ").startsWith("systemctl reload-or-restart ")) {
      started(rest[1] ?? "");
      if (rest[1] !== "nginx") return ok();
    }
    if (program === "journalctl") return ok("Configuration loaded\n");
    if (program === "apt-get" && (rest.includes("update") || rest.includes("indextargets"))) return ok();
    if (program === "apt-get" && rest.includes("install")) {
      if (rest.includes("--simulate")) return ok();
      const words = rest.slice(rest.indexOf("install") + 1);
      for (const word of words) {
        if (word.endsWith("-")) drop(word.slice(0, -1));
        else add(word);
      }
      if (!ipv6 && host.readLink("/etc/nginx/sites-enabled/default") === "/etc/nginx/sites-available/default") {
        return { code: 100, stdout: "", stderr: "installed nginx package post-installation script failed\n" };
      }
      return ok("Setting up packages\nDone\n");
    }
    if (program === "dpkg" && rest[0] === "--configure") {
      for (const name of host.list("/var/lib/dpkg/updates") ?? []) host.remove(`/var/lib/dpkg/updates/${name}`);
      host.put(
        "/var/lib/dpkg/status",
        (host.text("/var/lib/dpkg/status") ?? "").replaceAll("ok unpacked", "ok installed"),
      );
      return ok();
    }
    if (program === "nginx") {
      const { paths, servers, settings } = nginxConfig(host);
      const emergency = (said: string) => ({ code: 1, stdout: "", stderr: `nginx: [emerg] ${said}\n` });
      for (const path of paths) {
        const bogus = [...directives(new TextDecoder().decode(host.read(path) ?? undefined))].find(
          ({ words }) => words[0] === "bogus",
        );
        if (bogus === undefined) continue;
        // nginx prints this prefix once its log is open.
        const stderr = `2026/01/02 03:04:05 [emerg] 7#7: unknown directive "bogus" in ${path}:${bogus.line}\n`;
        return { code: 1, stdout: "", stderr };
      }
      for (const name of host.list("/etc/nginx/sites-enabled") ?? []) {
        const path = `/etc/nginx/sites-enabled/${name}`;
        const target = host.readLink(path);
        if (target?.startsWith("/etc/nginx/sites-available/") && host.stat(target) === null) {
          return emergency(`open() "${path}" failed (2: No such file or directory) in /etc/nginx/nginx.conf:61`);
        }
      }
      const twice = settings.find(({ name }, i) => settings.findIndex((each) => each.name === name) !== i);
      if (twice) return emergency(`"${twice.name}" directive is duplicate in ${twice.path}:${twice.line}`);
      const bucket = Number(settings.find(({ name }) => name === "server_names_hash_bucket_size")?.value ?? 64);
      if (servers.some(({ names }) => names.some((name) => name.length > bucket - 18))) {
        return emergency(
          `could not build server_names_hash, you should increase server_names_hash_bucket_size: ${bucket}`,
        );
      }
      const tooLong = variablesTooLong(paths.map((path) => host.text(path) ?? ""));
      if (tooLong !== null) return emergency(tooLong);
      const listens = servers.flatMap((server) => server.listens);
      const sockets = listens.filter(({ isDefault, wildcard }) => isDefault && wildcard).map(({ socket }) => socket);
      const double = sockets.find((socket, i) => sockets.indexOf(socket) !== i);
      if (double) return emergency(`a duplicate default server for ${double}`);
      return ok();
    }
    if (argv.join(" ") === "systemctl reload-or-restart nginx") {
      startNginx();
      return ok();
    }
    if (argv.join(" ") === "systemctl enable nginx") {
      host.link("/etc/systemd/system/multi-user.target.wants/nginx.service", "/lib/systemd/system/nginx.service");
      return ok();
    }
    if (argv.join(" ").startsWith("systemctl list-units --failed")) return ok();
    if (program === "openssl") return ok("-----BEGIN PRIVATE KEY-----\nthrowaway\n");
    return undefined;
  });
  return host;
}

function paragraph(name: string, version: string, extra = ""): string {
  return `Package: ${name}\nStatus: install ok installed\nVersion: ${version}\n${extra}\n`;
}
