// Installs the real Python edox-ops in a test host: pip fetches it once, it is cached, and installed without network
// access.

import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { must } from "./run.ts";
import type { TestHost } from "./test-host.ts";

/** Its virtual environment, beside the program that replaces it. */
export const pythonTool = "/opt/edox-ops/bin/edox-ops";

/** The Python of Debian 12. */
const version = "3.11";
const requirements = `${import.meta.dir}/python-tool.txt`;

/** Installs the tool into a bookworm host. */
export function installPythonTool(host: TestHost): void {
  cpSync(wheels(), `${host.root}/root/wheels`, { recursive: true });
  cpSync(requirements, `${host.root}/root/python-tool.txt`);
  const { code, stderr } = host.sh(`set -e
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
    python3 -m venv /opt/edox-ops
    /opt/edox-ops/bin/pip install --quiet --no-index --no-compile --find-links /root/wheels -r /root/python-tool.txt
    rm -r /root/wheels`);
  if (code !== 0) throw new Error(`the Python tool was not installed\n${stderr}`);
}

/** Returns the folder of its packages. */
function wheels(): string {
  const recipe = new Bun.CryptoHasher("sha256").update(readFileSync(requirements)).digest("hex").slice(0, 12);
  const cache = `${process.env.XDG_CACHE_HOME ?? `${homedir()}/.cache`}/edox-ops-test`;
  const dir = `${cache}/python-tool-${recipe}`;
  if (existsSync(dir)) return dir;
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(`${cache}/make-`);
  try {
    // Debian's own Python: another one earlier in PATH may be too old.
    must(["/usr/bin/python3", "-m", "venv", `${work}/venv`]);
    const target = [
      "--only-binary=:all:",
      "--no-deps",
      "--platform=manylinux2014_x86_64",
      `--python-version=${version}`,
    ];
    must([`${work}/venv/bin/pip`, "download", "--quiet", ...target, "-r", requirements, "--dest", `${work}/wheels`]);
    renameSync(`${work}/wheels`, dir);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return dir;
}
