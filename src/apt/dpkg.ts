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
type PackageState = "missing" | "config-files" | "incomplete" | "installed";

/** Returns the state of a package. Does not read the journal that an interrupted dpkg left. */
export function packageState(reader: HostReader, name: string): PackageState {
  return stateIn(paragraph(reader, name) ?? "");
}

function stateIn(paragraph: string): PackageState {
  const state = /^Status: \S+ (\S+ (\S+))$/m.exec(paragraph);
  if (state === null || state[2] === "not-installed") return "missing";
  if (state[2] === "config-files") return "config-files";
  return state[1] === "ok installed" ? "installed" : "incomplete";
}

/** Returns those of these packages that dpkg has unpacked, configured or not. */
export function presentPackages(reader: HostReader, names: readonly string[]): string[] {
  return names.filter((name) => ["incomplete", "installed"].includes(packageState(reader, name)));
}

/** Returns the version of a package that dpkg has unpacked, configured or not, or null. */
export function presentVersion(reader: HostReader, name: string): string | null {
  const found = presentPackages(reader, [name]).length === 0 ? null : paragraph(reader, name);
  return found && packageField(found, "Version");
}

/**
 * Returns the version of each package that dpkg has unpacked, configured or not. For many packages, this is faster than
 * {@link presentVersion}.
 */
export function presentVersions(reader: HostReader): Map<string, string> {
  const versions = new Map<string, string>();
  for (const each of statusFile(reader)?.toString("utf8").split("\n\n") ?? []) {
    const [name, version] = [packageField(each, "Package"), packageField(each, "Version")];
    if (name === null || version === null || versions.has(name)) continue;
    if (["incomplete", "installed"].includes(stateIn(each))) versions.set(name, version);
  }
  return versions;
}

/** Returns those of these packages that are held with apt-mark: apt neither replaces nor removes them. */
export function heldPackages(reader: HostReader, names: readonly string[]): string[] {
  return names.filter((name) => /^Status: hold /m.test(paragraph(reader, name) ?? ""));
}

/**
 * Returns the packages that dpkg unpacked, possibly in part, and did not configure. A package of a foreign architecture
 * has it as a suffix, as apt requires.
 */
export function unfinishedPackages(reader: HostReader): string[] {
  if (!hasUnfinished(reader)) return [];
  const all = statusFile(reader)?.toString("utf8").split("\n\n") ?? [];
  const native = [packageField(paragraph(reader, "dpkg") ?? "", "Architecture"), "all", null];
  return all.flatMap((each) => {
    const [name, architecture] = [packageField(each, "Package"), packageField(each, "Architecture")];
    if (name === null || !isIn(each, unfinished)) return [];
    return native.includes(architecture) ? name : `${name}:${architecture}`;
  });
}

/** Returns the status paragraph of an installed package, or null. */
export function installedPackage(reader: HostReader, name: string): string | null {
  return packageState(reader, name) === "installed" ? paragraph(reader, name) : null;
}

/**
 * Returns whether dpkg has unpacked files of this package, configured or not. Returns true for every package while a
 * journal exists, because it may contain any.
 */
export function unpackedPackage(reader: HostReader, name: string): boolean {
  if (hasJournal(reader)) return true;
  return presentPackages(reader, [name]).length > 0;
}

/** Returns the first line of a field in a paragraph of dpkg, or null. */
export function packageField(paragraph: string, field: string): string | null {
  return new RegExp(`^${field}: (.+)$`, "m").exec(paragraph)?.[1] ?? null;
}

/** Returns the MD5 that dpkg recorded for a configuration file as packaged, or null. */
export function conffileDigest(reader: HostReader, name: string, path: string): string | null {
  const lines = paragraph(reader, name)?.split("\n") ?? [];
  const line = lines.find((each) => each.startsWith(` ${path} `));
  return line?.split(" ")[2] ?? null;
}

/** Returns whether dpkg was interrupted: it left a journal, or a state that a transaction only passes through. */
export function dpkgInterrupted(reader: HostReader): boolean {
  return hasJournal(reader) || hasUnfinished(reader);
}

function hasUnfinished(reader: HostReader): boolean {
  const status = statusFile(reader);
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
export function hasJournal(reader: HostReader): boolean {
  return reader.list(updatesDir)?.some((name) => /^\d+$/.test(name)) ?? false;
}

/** A maintainer script. Its file name begins with the name of its package. */
export interface RunningScript {
  pid: number;
  path: string;
}

/** Returns the maintainer script that dpkg is currently running, or null. */
export function runningScript(reader: HostReader): RunningScript | null {
  for (const name of reader.list("/proc") ?? []) {
    // Any user can give a process such a command line, so only root's processes count.
    if (!/^\d+$/.test(name) || reader.stat(`/proc/${name}`)?.uid !== 0) continue;
    const argv = Buffer.from(reader.read(`/proc/${name}/cmdline`) ?? []).toString();
    const path = argv.split("\0").find((word) => scriptPath.test(word));
    if (path !== undefined) return { pid: Number(name), path };
  }
  return null;
}

/** Returns `name:architecture` of each half-unpacked package. apt unpacks these again if they are named. */
export function halfUnpacked(reader: HostReader): string[] {
  const all = statusFile(reader)?.toString("utf8").split("\n\n") ?? [];
  return all
    .filter((each) => isIn(each, half))
    .map((each) => ["Package", "Architecture"].flatMap((field) => packageField(each, field) ?? []).join(":"));
}

function paragraph(reader: HostReader, name: string): string | null {
  const status = statusFile(reader);
  if (status === null) return null;
  const key = `Package: ${name}\n`;
  const start = status.subarray(0, key.length).toString("latin1") === key ? 0 : status.indexOf(`\n${key}`);
  if (start < 0) return null;
  const end = status.indexOf("\n\n", start);
  return status.toString("utf8", start, end < 0 ? status.length : end).trim();
}

function statusFile(reader: HostReader): Buffer | null {
  const bytes = reader.map(dpkgStatusPath);
  return bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
