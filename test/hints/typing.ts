// Types hints as printed on a host in memory. A hint is a command of edox-ops, or a program that runs on a copy of the
// host's files.

import { afterAll } from "bun:test";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import { features } from "../../src/cli/features.ts";
import { examineFeatures } from "../../src/doctor/collect.ts";
import type { Finding } from "../../src/engine/finding.ts";
import { localTrees } from "../../src/host/local-trees.ts";
import { probeOf } from "../../src/sites/serve/served.ts";
import { theProject } from "../../src/sites/store.ts";
import { serveDemo, typedWords } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";
import { type FakeHost, ok } from "../fake-host.ts";
import { hintIn, run, wordsOf } from "./words.ts";

const site = "/etc/nginx/sites-available/edox-ops-demo";
export const tree = "/var/www/docs/demo";
/** A short form of Debian's configuration file. */
const nginxConf = "http {\n include /etc/nginx/conf.d/*.conf;\n include /etc/nginx/sites-enabled/*;\n}\n";

/** Returns a bootstrapped host that serves the project demo, with an nginx that rejects a directive named bogus. */
export async function liveHost(): Promise<FakeHost> {
  const host = fakeDebian();
  host.taught.unshift((argv) => {
    if (argv[0] === "curl" && argv.includes("-i")) {
      const status = answer(host);
      if (status === "000") return { code: 7, stdout: "", stderr: "curl: (7) Failed to connect" };
      return ok(`HTTP/1.1 ${status}\r\n\r\n${host.text(`${tree}/index.html`) ?? ""}`);
    }
    if (argv[0] === "curl")
      return ok(argv.flatMap((word) => (word.startsWith("http") ? `${word} ${answer(host)}\n` : [])).join(""));
    if (argv[0] !== "nginx") return undefined;
    const faulty = [...host.nodes.keys()].sort().flatMap((path) => {
      const line = (host.text(path) ?? "").split("\n").findIndex((each) => each.includes("bogus;"));
      return /^\/etc\/nginx\/(conf\.d|sites-available)\//.test(path) && line >= 0 ? [[path, line + 1] as const] : [];
    })[0];
    const stderr = `nginx: [emerg] unknown directive "bogus" in ${faulty?.[0]}:${faulty?.[1]}\n`;
    return faulty && { code: 1, stdout: "", stderr };
  });
  await serveDemo(host);
  host.put(`${tree}/index.html`, "home", { mode: 0o644, uid: 0, gid: 33 });
  host.put("/srv/new/index.html", "new");
  // Files that are written from here on are newer than the start of nginx.
  await host.sleep(1000);
  return host;
}

/** Simulates nginx with the files of the host. */
function answer(host: FakeHost): string {
  const runs =
    host.stat("/run/nginx.pid") !== null && host.stat("/run/systemd/units/invocation:nginx.service") !== null;
  const worker = [...host.nodes].findLast(([path]) => /^\/proc\/\d+\/cmdline$/.test(path));
  const isLoaded = worker !== undefined && (host.nodes.get(site)?.changedMs ?? 0) <= worker[1].changedMs + 20;
  if (!runs || !isLoaded) return "000";
  const page = host.stat(`${tree}/index.html`);
  return page === null || (page.mode & 0o044) === 0 ? "403" : "200";
}

const root = mkdtempSync(`${tmpdir()}/edox-hints-`);
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Types a hint as root. A foreign program runs on a copy of the host's files in a directory. */
export async function type(host: FakeHost, hint: readonly string[]): Promise<{ exit: number; out: string }> {
  const words = wordsOf(hint);
  const [program = "", ...rest] = words;
  if (program === "edox-ops") {
    const { exit, out, err } = await typedWords(rest, host, undefined, undefined, undefined, () =>
      localTrees(copied(host)),
    );
    return { exit, out: out + err };
  }
  const line = words.join(" ");
  const [, started] = /^systemctl (?:start|reload) (\S+)$/.exec(line) ?? [];
  if (started !== undefined) {
    return { exit: (await host.run(["systemctl", "reload-or-restart", started])).code, out: "" };
  }
  const [, unit] = /^systemctl unmask (\S+)$/.exec(line) ?? [];
  if (unit !== undefined) {
    host.remove(`/etc/systemd/system/${unit}.service`);
    return { exit: 0, out: "" };
  }
  if (line === "apt-get clean") {
    for (const name of host.list("/var/cache/apt/archives") ?? []) host.remove(`/var/cache/apt/archives/${name}`);
    return { exit: 0, out: "" };
  }
  if (line.includes("--force-confmiss")) {
    host.put("/etc/nginx/nginx.conf", nginxConf);
    return { exit: 0, out: "" };
  }
  const path = rest.at(-1) ?? "";
  if (program === "date") {
    await host.sleep(Date.parse(path.replace(" UTC", "Z")) - host.now());
    return { exit: 0, out: "" };
  }
  if (simulated.includes(program)) {
    const { code, stdout, stderr } = await host.run(words);
    return { exit: code, out: stdout + stderr };
  }
  if (program === "install" || program === "mkhomedir_helper") {
    host.dir(program === "install" ? path : `/home/${path}`, { mode: 0o750, uid: 999, gid: 999 });
    return { exit: 0, out: "" };
  }
  if (program === "apt-mark") {
    const all = (host.text("/var/lib/dpkg/status") ?? "").split("\n\n");
    host.put(
      "/var/lib/dpkg/status",
      all.filter((each) => !each.includes("Status: hold ok not-installed")).join("\n\n"),
    );
    return { exit: 0, out: "" };
  }
  if (program === "groupadd") {
    host.put("/etc/group", `${host.text("/etc/group")}${path}:x:990:\n`);
    return { exit: 0, out: "" };
  }
  if (program === "chown") {
    host.setAttributes(path, { mode: host.stat(path)?.mode ?? 0, uid: 0, gid: 0 });
    return { exit: 0, out: "" };
  }
  const copy = copied(host);
  const { exitCode, stdout, stderr } = run([program, ...rest], copy);
  if (changing.includes(program)) taken(host);
  return { exit: exitCode, out: `${stdout}${stderr}`.replaceAll(root, "") };
}

const shared = /^\/(boot|etc|home|root|srv|sys|usr\/local|var|run\/edox-ops)(\/|$)/;

/** Writes the files of the host into a directory, and returns its path. */
function copied(host: FakeHost): string {
  rmSync(root, { recursive: true, force: true });
  for (const [path, { type: kind, mode }] of [...host.nodes].filter(([each]) => shared.test(each))) {
    mkdirSync(kind === "directory" ? root + path : dirname(root + path), { recursive: true });
    if (kind === "link") symlinkSync(host.readLink(path) ?? "", root + path);
    else if (kind === "file") writeFileSync(root + path, host.read(path) ?? "");
    if (kind !== "link") chmodSync(root + path, mode);
  }
  return root;
}

/** Programs that a host in memory simulates. */
const simulated = [
  ...["apt-get", "dmesg", "dpkg", "etckeeper", "gitlab-runner", "nginx", "snap", "systemctl", "timedatectl"],
  ...["chage", "getent", "id", "rclone", "restic", "ssh", "sshd", "ufw", "unattended-upgrade", "usermod", "vcgencmd"],
];
const changing = ["chmod", "cp", "mkdir", "mv", "rm", "rmdir", "sed"];

/** Copies the changes of a program back to the host. */
function taken(host: FakeHost): void {
  for (const path of [...host.nodes.keys()]) {
    if (shared.test(path) && lstatSync(root + path, { throwIfNoEntry: false }) === undefined) host.nodes.delete(path);
  }
  for (const name of readdirSync(root, { recursive: true }) as string[]) {
    const path = `/${name}`;
    const stat = lstatSync(root + path);
    const mode = stat.mode & 0o7777;
    const known = host.stat(path);
    const attributes = { mode, uid: known?.uid ?? 0, gid: known?.gid ?? 0 };
    if (stat.isSymbolicLink()) host.link(path, readlinkSync(root + path));
    else if (stat.isDirectory()) {
      if (known === null) host.dir(path, attributes);
      else if (known.mode !== mode) host.setAttributes(path, attributes);
    } else {
      const bytes = readFileSync(root + path);
      if (known?.type === "file" && known.mode === mode && bytes.equals(host.read(path) ?? new Uint8Array())) continue;
      const group = path.startsWith("/var/www/docs/") ? { gid: 33 } : {};
      host.put(path, bytes, { ...attributes, ...group });
    }
  }
}

/** Returns the finding of this name, or the error of a failed command. */
export async function asked(
  host: FakeHost,
  from: string,
): Promise<{ fine: boolean; hint: readonly string[]; said: string }> {
  if (/^[\w-]+:\S/.test(from)) {
    const trees = async () => localTrees("/none");
    const { findings } = await examineFeatures(Object.values(features), { reader: host, host, trees, online: false });
    const found = findings.find(({ name }) => name === from);
    const { status = "ok", detail = "", hint = [] }: Partial<Finding> = found ?? {};
    return { fine: status === "ok", hint, said: detail };
  }
  if (from === "the probe of a deploy") {
    const unserved = await probeOf(host, await theProject(host, "demo"), true)?.();
    return { fine: unserved === null, hint: unserved?.hint ?? [], said: unserved?.reason ?? "" };
  }
  const { exit, out, err } = await typedWords(from.split(" "), host, undefined, undefined, undefined, () =>
    localTrees(copied(host)),
  );
  return { fine: exit === 0, hint: hintIn(err + out), said: err };
}
