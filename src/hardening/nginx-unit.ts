// Restricts what the service nginx may do, by a drop-in of systemd. Its workers parse what strangers send.

import { type Change, Text } from "../engine/change.ts";
import type { Recipe, Resource, Step } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { directives, nginxConfig } from "../nginx/config.ts";
import { hintToMend } from "../nginx/fault.ts";
import { directory } from "../resources/directory.ts";
import { file } from "../resources/file.ts";
import { isActive, logsOf, startedMs } from "../resources/service.ts";
import { parentOf } from "../text/path.ts";
import { served } from "./nginx-served.ts";
import { withoutNginx } from "./parts/parts.ts";
import { nginxDropInPath } from "./paths.ts";
import { hostRecipe } from "./recipe.ts";

const dropInDir = parentOf(nginxDropInPath);

/** Where the packages of nginx write. A path that starts with a minus may be missing. */
const writable = ["/run", "/var/log/nginx", "-/var/lib/nginx", "-/var/cache/nginx"];

/**
 * Without CAP_DAC_OVERRIDE the master cannot open its logs, which belong to the workers' user. Without CAP_KILL it
 * cannot signal its workers. Homes are read-only, because a site may be there.
 */
function dropInText(reader: HostReader): string {
  return `# Written by edox-ops.
[Service]
ProtectSystem=strict
ReadWritePaths=${[...writable, ...writtenBelow(reader).map((path) => `-${path}`)].join(" ")}
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
ProcSubset=pid
RestrictSUIDSGID=yes
RestrictRealtime=yes
RestrictNamespaces=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
LockPersonality=yes
MemoryDenyWriteExecute=${compiles(reader) ? "no" : "yes"}
NoNewPrivileges=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
CapabilityBoundingSet=CAP_NET_BIND_SERVICE CAP_SETUID CAP_SETGID CAP_DAC_OVERRIDE CAP_CHOWN CAP_KILL
`;
}

function allDirectives(reader: HostReader): { name: string; value: string }[] {
  return nginxConfig(reader).paths.flatMap((path) => {
    if (!path.endsWith(".conf") && !path.startsWith("/etc/nginx/")) return [];
    return directives(textOf(reader, path) ?? "").map(({ words: [name = "", value = ""] }) => ({ name, value }));
  });
}

/** Returns the directories of logs, caches and uploads that the configuration names elsewhere. */
function writtenBelow(reader: HostReader): string[] {
  const paths = allDirectives(reader).flatMap(({ name, value }) => {
    if (!value.startsWith("/") || /[\s$%"\\]/.test(value)) return [];
    if (["access_log", "error_log", "pid", "lock_file"].includes(name)) return [parentOf(value)];
    return /_(?:temp|cache)_path$/.test(name) ? [value] : [];
  });
  const isCovered = (path: string): boolean =>
    ["/dev", ...writable].some((each) => `${path}/`.startsWith(`${each.replace(/^-/, "")}/`));
  return [...new Set(paths)].filter((path) => path !== "/" && !isCovered(path)).sort();
}

/** Returns whether a module of nginx compiles code in its memory. */
function compiles(reader: HostReader): boolean {
  return allDirectives(reader).some(({ name, value }) => name === "load_module" && /lua|js_|perl/.test(value));
}

const restricted: Resource = {
  name: "nginx:restricted",
  title: "nginx runs restricted",
  check(reader, ahead): Change[] {
    if (!isTouched(ahead) && (!isActive(reader, "nginx") || isRestricted(reader))) return [];
    return restart(reader, "nginx runs without its restrictions");
  },
};

function isTouched(ahead: readonly Change[]): boolean {
  return ahead.some((change) => "path" in change && change.path === nginxDropInPath);
}

/** Returns the commands that apply the drop-in, or its absence. */
function restart(reader: HostReader, reason: string): Change[] {
  const again = { again: true as const };
  const load: Change = { kind: "command", argv: ["systemctl", "daemon-reload"], reason, ...again };
  // nginx may be stopped on purpose.
  if (!isActive(reader, "nginx")) return [load];
  return [
    { kind: "command", argv: ["nginx", "-t", "-q"], reason, code: "invalid-config", hintFor: hintToMend },
    load,
    { kind: "command", argv: ["systemctl", "restart", "nginx"], reason, logs: logsOf("nginx"), ...again },
  ];
}

/** Returns whether the kernel restricts the running nginx, and it was started after the last change of the drop-in. */
function isRestricted(reader: HostReader): boolean {
  const pid = textOf(reader, "/run/nginx.pid")?.trim();
  if (!/^NoNewPrivs:\s*1$/m.test(textOf(reader, `/proc/${pid}/status`) ?? "")) return false;
  const changed = reader.stat(nginxDropInPath)?.changedMs ?? 0;
  // A change in the future was made before the clock was set back.
  return changed <= (startedMs(reader, "nginx") ?? 0) || changed > reader.now();
}

/** The step that writes the drop-in. */
const nginxRestricted: Step = served({
  id: "host.nginx.restrict",
  title: "nginx runs with the permissions that it needs",
  action: "Restricting nginx",
  reasonToSkip: withoutNginx,
  resources: [
    directory(dropInDir, 0o755),
    file({
      name: "host:nginx",
      title: "the service nginx has restrictions",
      path: nginxDropInPath,
      mode: 0o644,
      text: (reader) => Text.of(dropInText(reader)),
    }),
    restricted,
  ],
});

const only = ["host", "harden", "--all", "--only", "host.nginx.restrict"];

/** The step alone, for doctor. */
export const nginxRecipe: Recipe = hostRecipe(only.join(" "), "nginx runs restricted.", [nginxRestricted]);

export const nginxRemoval: Step = served({
  id: "host.nginx.remove",
  title: "nginx runs without the restrictions of edox-ops",
  resources: [
    file({
      name: nginxDropInPath,
      title: `${nginxDropInPath} is removed`,
      path: nginxDropInPath,
      mode: 0o644,
      text: () => null,
    }),
    {
      name: dropInDir,
      title: `${dropInDir} has only files of others`,
      check(reader, ahead) {
        const isLeft = (reader.list(dropInDir) ?? ["none"]).every((name) => `${dropInDir}/${name}` === nginxDropInPath);
        if (!isLeft) return [];
        const undo = ["mkdir", "-p", "-m", "0755", dropInDir];
        const empty: Change = { kind: "command", argv: ["rmdir", dropInDir], reason: `${dropInDir} is empty`, undo };
        return isTouched(ahead) || reader.stat(nginxDropInPath) === null ? [empty] : [];
      },
    },
    {
      name: "nginx:restricted",
      title: "nginx runs without the drop-in",
      check: (reader, ahead) => (isTouched(ahead) ? restart(reader, "nginx still runs restricted") : []),
    },
  ],
});
