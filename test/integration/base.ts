// Creates the minimal root file system of test hosts once, and caches it.

import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { emulator } from "./emulator.ts";
import { must } from "./run.ts";

export const suites = ["bookworm", "trixie"] as const;
export type Suite = (typeof suites)[number];
export type Architecture = "amd64" | "arm64";

/**
 * The packages that a host needs to boot and to be inspected. It has no curl, certificates or git, since bootstrap
 * installs those.
 */
const packages = "systemd systemd-sysv dbus udev iproute2 sudo procps kmod passwd adduser".split(" ");
const options = [
  "--mode=root",
  "--variant=minbase",
  `--include=${packages.join(",")}`,
  '--aptopt=Acquire::Languages "none"',
  ...["man", "doc", "locale"].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`),
];

/**
 * Returns the path of a squashfs image of the suite, built from the mirror of this machine's apt. A new image takes a
 * minute. One of arm64 takes several, and needs the emulator.
 */
export function baseImage(suite: Suite, architecture: Architecture = "amd64"): string {
  const recipe = new Bun.CryptoHasher("sha256").update(options.join("\n")).digest("hex").slice(0, 12);
  const dir = `${process.env.XDG_CACHE_HOME ?? `${homedir()}/.cache`}/edox-ops-test`;
  const called = architecture === "amd64" ? suite : `${suite}-${architecture}`;
  const image = `${dir}/${called}-${recipe}.sqfs`;
  if (existsSync(image)) return image;
  console.error(`making a bare ${called}, once: ${architecture === "amd64" ? "about a minute" : "some minutes"}`);
  mkdirSync(dir, { recursive: true });
  const work = mkdtempSync(`${dir}/make-`);
  try {
    const [main, security] = mirrors();
    const sources = [suite, `${suite}-updates`].map((name) => `deb ${main} ${name} main`);
    sources.push(`deb ${security} ${suite}-security main`);
    must(["mmdebstrap", `--architectures=${architecture}`, ...options, suite, `${work}/root`, ...sources]);
    // The default level takes 24 s of a processor for an image that is 8 MB smaller.
    must(["mksquashfs", `${work}/root`, `${work}/image`, "-comp", "zstd", "-Xcompression-level", "3", "-quiet"]);
    renameSync(`${work}/image`, image);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return image;
}

/** Returns the mirrors of Debian and of its security updates in this machine's apt sources. */
function mirrors(): [string, string] {
  const lines = must(["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)", "Created-By: Packages"]);
  const targets = lines.split("\n").map((line) => line.split(" "));
  const main = targets.find(([, name]) => name !== undefined && /^(bookworm|trixie)$/.test(name))?.[0];
  const security = targets.find(([, name]) => name?.endsWith("-security"))?.[0];
  if (main === undefined || security === undefined) throw new Error("this machine's apt has no Debian source");
  return [main, security];
}

if (import.meta.main) {
  const [suite, architecture] = process.argv.slice(2) as [Suite, Architecture?];
  if (architecture === "arm64") await emulator();
  console.log(baseImage(suite, architecture));
}
