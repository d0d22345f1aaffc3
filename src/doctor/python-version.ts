// Reports the Python version of this program if it is still installed.

import type { Check } from "../engine/finding.ts";
import type { HostReader } from "../host/host.ts";
import { linesOf } from "../text/lines.ts";

/** Prefixes of Debian's Python, pip, virtual environments and pipx. A * matches any directory. */
const prefixes = [
  "/usr",
  "/usr/local",
  "/opt/*",
  "/opt/pipx/venvs/edox-ops",
  "/srv/*",
  ...["/root", "/home/*"].flatMap((home) =>
    ["", "/share/pipx/venvs/edox-ops", "/pipx/venvs/edox-ops"].map((below) => `${home}/.local${below}`),
  ),
];
const programs = ["/usr/local/bin/edox-ops", "/usr/bin/edox-ops", "/root/.local/bin/edox-ops"];
/** Maximum size in bytes: scripts that pip creates are smaller. */
const largestScript = 4096;

interface Installed {
  prefix: string;
  version: string;
  /** The package, its metadata, and its scripts and links, but no path of this program. */
  paths: string[];
}

export const pythonVersion: Check = {
  name: "host:python-version",
  appliesTo: (reader) => findInstalled(reader) !== null,
  run(reader) {
    const found = findInstalled(reader);
    if (found === null) return { status: "ok", detail: "the Python version is not installed" };
    const { prefix, version, paths } = found;
    const detail =
      `the Python edox-ops ${version} is still installed in ${prefix}; ` +
      "pip uninstall would delete any program at the path of its own";
    // The hint runs as the owner of the home directory, so that root follows no link of that user.
    const user = /^\/home\/([^/]+)\//.exec(prefix)?.[1];
    const as = user === undefined ? [] : ["runuser", "-u", user, "--"];
    return { status: "warning", detail, hint: ["sudo", ...as, "rm", "-r", ...paths] };
  },
};

function findInstalled(reader: HostReader): Installed | null {
  const usual = prefixes.flatMap((prefix) => expandPath(reader, prefix));
  const linked = programs.flatMap((path) => prefixOf(reader, path) ?? []);
  for (const prefix of new Set([...usual, ...linked])) {
    for (const dir of packageDirs(reader, prefix)) {
      const info = namesIn(reader, dir).find((name) => /^edox_ops-[\w.+!]+\.dist-info$/.test(name));
      if (info === undefined) continue;
      const starters = [...programs, `${prefix}/bin/edox-ops`].filter((path) => prefixOf(reader, path) === prefix);
      const paths = [`${dir}/edox_ops`, `${dir}/${info}`, ...new Set(starters)];
      return { prefix, version: info.slice("edox_ops-".length, -".dist-info".length), paths };
    }
  }
  return null;
}

function packageDirs(reader: HostReader, prefix: string): string[] {
  return namesIn(reader, `${prefix}/lib`)
    .filter((name) => /^python3[\d.]*$/.test(name))
    .flatMap((name) => ["site-packages", "dist-packages"].map((kind) => `${prefix}/lib/${name}/${kind}`));
}

/** Returns the prefix of the Python that a script names in its first line or that a link points into, or null. */
function prefixOf(reader: HostReader, path: string): string | null {
  const link = tryRead(() => reader.readLink(path));
  const target = link ?? tryRead(() => interpreterOf(reader, path)) ?? "";
  // pip of the system's own Python installs below /usr/local or ~/.local, so the path of the script has the prefix.
  const leads = link === null && target.startsWith("/usr/bin/") ? path : target;
  const at = leads.lastIndexOf("/bin/");
  return leads.startsWith("/") && at > 0 ? leads.slice(0, at) : null;
}

function interpreterOf(reader: HostReader, path: string): string | null {
  const stat = reader.stat(path);
  if (stat?.type !== "file" || stat.size > largestScript) return null;
  const [first = ""] = linesOf(new TextDecoder().decode(reader.read(path) ?? undefined));
  return /^#! *(\/\S*\/python[\d.]*)/.exec(first)?.[1] ?? null;
}

function expandPath(reader: HostReader, prefix: string): string[] {
  const [before = "", after] = prefix.split("*");
  if (after === undefined) return [prefix];
  return namesIn(reader, before.slice(0, -1)).map((name) => before + name + after);
}

function namesIn(reader: HostReader, dir: string): string[] {
  return tryRead(() => reader.list(dir)) ?? [];
}

/** Returns null on errors: an unreadable directory must not hide a Python version elsewhere. */
function tryRead<T>(read: () => T | null): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
