// A card as Raspberry Pi Imager leaves it: Debian's own cloud-init, which reads its configuration from the boot
// partition at the first boot. That partition is a read-only mount here, and its files are executable, as on FAT32.

import { mkdirSync, writeFileSync } from "node:fs";
import { compile } from "../../build/build.ts";
import { version } from "../../package.json";
import { blocksOf, textOf } from "../docs/markdown.ts";
import { makeKeys, makeRelease } from "../install/release.ts";
import type { Architecture, Suite } from "./base.ts";
import { must } from "./run.ts";
import type { TestHost } from "./test-host.ts";

/** Where Raspberry Pi OS mounts the boot partition. */
export const bootDir = "/boot/firmware";
/** The directory of a host that stands for the partition. */
const partition = "/srv/bootfs";

/** From /etc/cloud/cloud.cfg.d/99_raspberry-pi.cfg of Raspberry Pi OS. */
const cloudConfig = `datasource_list: [ NoCloud, None ]
datasource:
  NoCloud:
    seedfrom: file://${bootDir}/
ssh_deletekeys: false
ssh_genkeytypes: []
locale: false
apt:
  preserve_sources_list: true
`;

/**
 * The settings that Imager writes for a host name and a time zone, but for its packages: without a network cloud-init
 * reports an error for packages even if they are installed.
 */
const imagerData = `#cloud-config
hostname: raspberrypi
manage_etc_hosts: true
apt:
  conf: |
    Acquire {
      Check-Date "false";
    };
timezone: Europe/London
`;

/** Installs cloud-init on a running host, whose next boot is a first boot. */
export function prepareCard(host: TestHost): void {
  const install = "apt-get install -y -qq --no-install-recommends cloud-init tzdata";
  const { code, stderr } = host.sh(`export DEBIAN_FRONTEND=noninteractive; apt-get update -qq && ${install}
    mkdir -p ${partition} ${bootDir} /etc/systemd/system/cloud-init-local.service.d /etc/systemd/system/cloud-init-main.service.d
    echo '${partition} ${bootDir} none bind,ro 0 0' >>/etc/fstab
    for unit in local main; do
      printf '[Unit]\\nRequiresMountsFor=${bootDir}\\n' >/etc/systemd/system/cloud-init-$unit.service.d/mount.conf
    done
    sed -i 's/gateway/${host.gateway}/' /etc/apt/apt.conf.d/90cache`);
  if (code !== 0) throw new Error(stderr);
  writeFileSync(`${host.root}/etc/cloud/cloud.cfg.d/99_raspberry-pi.cfg`, cloudConfig);
  writeFileSync(`${host.root}${partition}/meta-data`, "dsmode: local\ninstance_id: rpios-image\n");
}

/** The page of the site that is in the bundle. */
export const page = "<h1>Read from the card</h1>\n";

const [online = "", offline = ""] = blocksOf(textOf("docs/raspberry-pi.md")).flatMap(({ language, code }) =>
  language === "yaml" ? code : [],
);

/** The commands of the documentation that install from the bundle on the card. The clock is that of this machine. */
export const fromBundle = offline.replace(/^ {2}- date .*\n/m, "");

/** Those with a network, on a host that has the program. */
export const fromNetwork = online.replace(/^ {2}- curl .*\n/m, "").replace("sh /run/install.sh", "edox-ops");

/**
 * Starts to create a bundle with a site and this program in a directory, in a process of its own, while a host boots.
 * Returns the paths of the bundle and of the installer.
 */
export async function bundleIn(dir: string, suite: Suite, architecture: Architecture): Promise<string[]> {
  const argv = [process.execPath, import.meta.path, dir, suite, architecture];
  const child = Bun.spawn(argv, { stdin: "ignore", stderr: "inherit" });
  const stdout = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error("no bundle was created");
  return stdout.trim().split("\n");
}

async function makeBundle(dir: string, suite: Suite, architecture: Architecture): Promise<string[]> {
  const top = `${import.meta.dir}/../..`;
  const keys = makeKeys(dir);
  const released = "https://gateway";
  // The program takes only a release that one of its keys has signed.
  const known = { version, keys: keys.publicKey, releases: released };
  const creator = `${dir}/edox-ops`;
  await compile(`${top}/src/main.ts`, creator, "linux-x64", known);
  const binary = `${top}/dist/${architecture === "amd64" ? "linux-x64" : "linux-arm64"}/edox-ops`;
  const { folder } = makeRelease(`${dir}/release`, version, binary, released, keys, architecture);
  mkdirSync(`${dir}/public`);
  writeFileSync(`${dir}/public/index.html`, page);
  const bundle = `${dir}/edox-ops.tar`;
  const host = ["--suite", suite, "--arch", architecture, "--with", "host"];
  const contents = ["--site", `docs=${dir}/public`, "--program", folder];
  must([creator, "bundle", "create", ...host, ...contents, "-o", bundle]);
  return [bundle, `${folder}/install.sh`];
}

/** Returns the page that a host serves. */
export function pageOf(host: TestHost): string {
  return host.run(["curl", "-sS", "-H", "Host: docs.example.org", "http://127.0.0.1/"]).stdout;
}

/** Copies a file of this machine to the boot partition. */
export function onCard(host: TestHost, path: string): void {
  must(["cp", "-r", path, `${host.root}${partition}/`]);
  must(["chmod", "-R", "755", `${host.root}${partition}`]);
}

interface FirstBoot {
  /** Exit code of `cloud-init status`. */
  code: number;
  status: string;
  /** The output of all commands of the user-data. */
  output: string;
}

/** Boots a host for the first time, with these lines in user-data after those of Imager. */
export async function firstBoot(host: TestHost, userData: string): Promise<FirstBoot> {
  writeFileSync(`${host.root}${partition}/user-data`, `${imagerData}${userData}`);
  host.sh("cloud-init clean --logs");
  await host.stop();
  const { code, stdout } = host.run(["cloud-init", "status", "--long"]);
  return { code, status: stdout, output: host.run(["cat", "/var/log/cloud-init-output.log"]).stdout };
}

if (import.meta.main) {
  const [dir = "", suite, architecture] = process.argv.slice(2);
  console.log((await makeBundle(dir, suite as Suite, architecture as Architecture)).join("\n"));
}
