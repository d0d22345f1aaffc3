// Reads dpkg's records from its files without any child. Until an interruption is found, no file is decoded as a whole
// (3 MB on a full host).

import type { HostReader } from "../host/host.ts";

const dpkgStatusPath = "/var/lib/dpkg/status";
const scriptPath = /^\/var\/lib\/dpkg\/(?:info\/[\w.+:-]+\.|tmp\.ci\/)(?:pre|post)(?:inst|rm)$/;
const updatesDir = "/var/lib/dpkg/updates";
/** The selections of a package that is meant to stay installed. */
const selections = ["install", "hold"];
/** Prefixes of the dpkg(1) states of a package that dpkg has to unpack again. */
const half = ["ok half-installed", "reinstreq "];
/** Prefixes of the states that a transaction passes through, and in which it never ends. */
const unfinished = [...half, "ok half-configured", "ok unpacked", "ok triggers-"];

/**
 * "incomplete": dpkg unpacked it, possibly in part, and did not finish. "config-files": it was removed, but not purged.
 */
export type PackageState = "missing" | "config-files" | "incomplete" | "installed";

/** Returns the state of a package. Does not read the journal that an interrupted dpkg left. */
export function packageState(see: HostReader, name: string): PackageState {
  const state = /^Status: \S+ (\S+ (\S+))$/m.exec(paragraph(see, name) ?? "");
  if (state === null || state[2] === "not-installed") return "missing";
  if (state[2] === "config-files") return "config-files";
  return state[1] === "ok installed" ? "installed" : "incomplete";
}

/** Returns those of these packages that dpkg has unpacked, configured or not. */
export function presentPackages(see: HostReader, names: readonly string[]): string[] {
  return names.filter((name) => ["incomplete", "installed"].includes(packageState(see, name)));
}

/** Returns the version of a package that dpkg has unpacked, configured or not, or null. */
export function presentVersion(see: HostReader, name: string): string | null {
  const found = presentPackages(see, [name]).length === 0 ? null : paragraph(see, name);
  return found && packageField(found, "Version");
}

/** Returns those of these packages that are held with apt-mark: apt neither replaces nor removes them. */
export function heldPackages(see: HostReader, names: readonly string[]): string[] {
  return names.filter((name) => /^Status: hold /m.test(paragraph(see, name) ?? ""));
}

/**
 * Returns the packages that dpkg unpacked, possibly in part, and did not configure. A package of a foreign architecture
 * has it as a suffix, as apt requires.
 */
export function unfinishedPackages(see: HostReader): string[] {
  if (!hasUnfinished(see)) return [];
  const all = statusFile(see)?.toString("utf8").split("\n\n") ?? [];
  const native = [packageField(paragraph(see, "dpkg") ?? "", "Architecture"), "all", null];
  return all.flatMap((each) => {
    const [name, architecture] = [packageField(each, "Package"), packageField(each, "Architecture")];
    if (name === null || !isIn(each, unfinished)) return [];
    return native.includes(architecture) ? name : `${name}:${architecture}`;
  });
}

/** Returns the status paragraph of an installed package, or null. */
export function installedPackage(see: HostReader, name: string): string | null {
  return packageState(see, name) === "installed" ? paragraph(see, name) : null;
}

/**
 * Returns whether dpkg has unpacked files of this package, configured or not. Returns true for every package while a
 * journal exists, because it may contain any.
 */
export function unpackedPackage(see: HostReader, name: string): boolean {
  if (hasJournal(see)) return true;
  return presentPackages(see, [name]).length > 0;
}

/** Returns the first line of a field in a paragraph of dpkg, or null. */
export function packageField(paragraph: string, field: string): string | null {
  return new RegExp(`^${field}: (.+)$`, "m").exec(paragraph)?.[1] ?? null;
}

/** Returns the MD5 that dpkg recorded for a configuration file as packaged, or null. */
export function conffileDigest(see: HostReader, name: string, path: string): string | null {
  const lines = paragraph(see, name)?.split("\n") ?? [];
  const line = lines.find((each) => each.startsWith(` ${path} `));
  return line?.split(" ")[2] ?? null;
}

/** Returns whether dpkg was interrupted: it left a journal, or a state that a transaction only passes through. */
export function dpkgInterrupted(see: HostReader): boolean {
  return hasJournal(see) || hasUnfinished(see);
}

function hasUnfinished(see: HostReader): boolean {
  const status = statusFile(see);
  return status !== null && isIn(status, unfinished);
}

/** Returns whether a package of this text, one paragraph or all of them, is in one of these states. */
function isIn(text: string | Buffer, states: readonly string[]): boolean {
  return selections.some((selection) => states.some((state) => text.includes(`\nStatus: ${selection} ${state}`)));
}

/**
 * Returns whether dpkg was killed while it wrote. apt-get refuses every command until `dpkg --configure` has processed
 * the journal.
 */
export function hasJournal(see: HostReader): boolean {
  return see.list(updatesDir)?.some((name) => /^\d+$/.test(name)) ?? false;
}

/** A maintainer script. Its file name begins with the name of its package. */
export interface RunningScript {
  pid: number;
  path: string;
}

/** Returns the maintainer script that dpkg is currently running, or null. */
export function runningScript(see: HostReader): RunningScript | null {
  for (const name of see.list("/proc") ?? []) {
    // Any user can give a process such a command line, so only root's processes count.
    if (!/^\d+$/.test(name) || see.stat(`/proc/${name}`)?.uid !== 0) continue;
    const argv = Buffer.from(see.read(`/proc/${name}/cmdline`) ?? []).toString();
    const path = argv.split("\0").find((word) => scriptPath.test(word));
    if (path !== undefined) return { pid: Number(name), path };
  }
  return null;
}

/** Returns `name:architecture` of each half-unpacked package. apt unpacks these again if they are named. */
export function halfUnpacked(see: HostReader): string[] {
  const all = statusFile(see)?.toString("utf8").split("\n\n") ?? [];
  return all
    .filter((each) => isIn(each, half))
    .map((each) => ["Package", "Architecture"].flatMap((field) => packageField(each, field) ?? []).join(":"));
}

function paragraph(see: HostReader, name: string): string | null {
  const status = statusFile(see);
  if (status === null) return null;
  const key = `Package: ${name}\n`;
  const start = status.subarray(0, key.length).toString("latin1") === key ? 0 : status.indexOf(`\n${key}`);
  if (start < 0) return null;
  const end = status.indexOf("\n\n", start);
  return status.toString("utf8", start, end < 0 ? status.length : end).trim();
}

function statusFile(see: HostReader): Buffer | null {
  const bytes = see.map(dpkgStatusPath);
  return bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
