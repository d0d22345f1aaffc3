// Reads unit files, and the links by which systemd enables and masks units, without a child process.

import type { HostReader } from "../host/host.ts";
import { regularFile } from "../problem/regular-file.ts";
import { nameOf } from "../text/path.ts";
import { fullName, instanceOf, isTemplate, isUnitName, templateOf, withSpecifiers } from "./unit-name.ts";

/** The unit files and links of the admin. `systemctl enable` and `systemctl mask` create theirs here. */
const configDir = "/etc/systemd/system";
/** The unit files and links that exist until the next boot. */
const runtimeDir = "/run/systemd/system";
const generatorDirs = ["/run/systemd/generator", "/run/systemd/generator.late"];
/** The first file of a name takes precedence. /lib is a directory of its own where /usr is not merged. */
const dirs = [
  ...[configDir, runtimeDir, "/run/systemd/generator", "/usr/local/lib/systemd/system"],
  ...["/usr/lib/systemd/system", "/lib/systemd/system", "/run/systemd/generator.late"],
];

interface UnitFile {
  path: string;
  /** The name of the unit that the file is an alias of. */
  aliasOf?: string;
  isGenerated: boolean;
}

/** Returns the file that defines the unit, or null. Masks are skipped. An instance may come from its template. */
export function findUnitFile(reader: HostReader, unit: string): UnitFile | null {
  for (const name of [unit, templateOf(unit)]) {
    if (name === null) continue;
    for (const dir of dirs) {
      const path = `${dir}/${name}`;
      if (reader.stat(path) === null || isMask(reader, path)) continue;
      const target = reader.readLink(path);
      const real = target === null ? name : nameOf(target);
      const isAlias = real !== name && isUnitName(real);
      return { path, isGenerated: generatorDirs.includes(dir), ...(isAlias && { aliasOf: real }) };
    }
  }
  return null;
}

/** Returns whether the file masks its unit: it is empty, or a link to a device. */
function isMask(reader: HostReader, path: string): boolean {
  const target = reader.readLink(path);
  const { type, size } = reader.statTarget(path) ?? {};
  return target === "/dev/null" || (type === "file" ? size === 0 : type === "other" && target !== null);
}

/** Returns the paths that mask the unit, in the order of precedence. A mask below a unit file has no effect. */
export function masksOf(reader: HostReader, unit: string): string[] {
  const masks: string[] = [];
  for (const dir of dirs) {
    const path = `${dir}/${fullName(unit)}`;
    if (reader.stat(path) === null) continue;
    if (!isMask(reader, path)) break;
    masks.push(path);
  }
  return masks;
}

/** Returns whether systemd refuses to start the unit. A unit that was started before it was masked may still run. */
export function isMasked(reader: HostReader, unit: string): boolean {
  return masksOf(reader, unit).length > 0;
}

/** Returns whether the mask can be removed with `systemctl unmask`, and with which flags. */
export function unmaskFlags(path: string): string[] | null {
  if (path.startsWith(`${configDir}/`)) return [];
  return path.startsWith(`${runtimeDir}/`) ? ["--runtime"] : null;
}

/** Returns the path at which `systemctl mask` creates its link. */
export function maskPath(unit: string): string {
  return `${configDir}/${unit}`;
}

/**
 * Returns the links that `systemctl enable` creates for this unit, by the [Install] section of its file and drop-ins.
 * An empty list means that the unit cannot be enabled. Values with a specifier that depends on more than the name are
 * left out.
 */
export function linksToEnable(reader: HostReader, unit: string, file: UnitFile): string[] {
  const install = new Map<string, string[]>();
  for (const path of [file.path, ...dropIns(reader, unit)]) {
    const bytes = regularFile(reader, path);
    for (const { key, words } of installLines(new TextDecoder().decode(bytes ?? new Uint8Array()))) {
      const values = install.get(key);
      // An empty value resets the list.
      if (values === undefined || words.length === 0) install.set(key, words);
      else for (const word of words) values.push(word);
    }
  }
  const instance = install.get("DefaultInstance")?.at(-1);
  const link = isTemplate(unit) ? instance && instanceOf(unit, instance) : unit;
  if (link === undefined || !isUnitName(link)) return [];
  const named = (key: string): string[] =>
    (install.get(key) ?? []).map((word) => withSpecifiers(word, link) ?? "").filter(isUnitName);
  return [
    ...Object.entries({ WantedBy: "wants", RequiredBy: "requires", UpheldBy: "upholds" }).flatMap(([key, folder]) =>
      named(key).map((target) => `${configDir}/${target}.${folder}/${link}`),
    ),
    ...named("Alias").map((alias) => `${configDir}/${alias}`),
  ];
}

/** Returns the drop-ins of the unit in the order in which systemd reads them. */
function dropIns(reader: HostReader, unit: string): string[] {
  const found = new Map<string, string>();
  for (const name of [unit, templateOf(unit)]) {
    for (const dir of name === null ? [] : dirs) {
      for (const file of reader.list(`${dir}/${name}.d`) ?? []) {
        if (file.endsWith(".conf") && !found.has(file)) found.set(file, `${dir}/${name}.d/${file}`);
      }
    }
  }
  return [...found].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, path]) => path);
}

/** Parses the [Install] section by the rules of systemd.syntax(7). */
function* installLines(text: string): Generator<{ key: string; words: string[] }> {
  let isInstall = false;
  /** The lines of a value that continues. They are joined once: a file may have many. */
  let begun: string[] = [];
  for (const raw of text.replace(/^\ufeff/, "").split(/\r?\n/)) {
    const plain = raw.trimStart();
    // A comment may stand between the lines of one value.
    if (plain.startsWith("#") || plain.startsWith(";")) continue;
    if (/(?<!\\)(?:\\\\)*\\$/.test(plain)) {
      begun.push(`${plain.slice(0, -1)} `);
      continue;
    }
    const line = begun.join("") + plain;
    begun = [];
    const [, section] = /^\[(.*)\]\s*$/.exec(line) ?? [];
    if (section !== undefined) isInstall = section === "Install";
    const equals = line.indexOf("=");
    if (!isInstall || section !== undefined || equals < 0) continue;
    const words = [...line.slice(equals + 1).matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)];
    yield { key: line.slice(0, equals).trim(), words: words.map(([, a, b, c]) => a ?? b ?? c ?? "") };
  }
}

/** Returns whether systemd reads the file at this path only with `systemctl daemon-reload`. */
export function needsReload(path: string): boolean {
  return dirs.some((dir) => path.startsWith(`${dir}/`));
}

/** Returns whether the path is a file or a drop-in of this unit. */
export function isPartOf(path: string, unit: string): boolean {
  const below = dirs.find((dir) => path.startsWith(`${dir}/`));
  const [name = ""] = below === undefined ? [] : path.slice(below.length + 1).split("/");
  return [unit, templateOf(unit)].some((each) => each !== null && (name === each || name === `${each}.d`));
}

/** Returns the flags of each `systemctl disable` that is needed to disable the unit. */
export function flagsToDisable(reader: HostReader, unit: string): string[][] {
  const isLinked = (dir: string): boolean => enablementLinks(reader, dir, unit).length > 0;
  return [...(isLinked(configDir) ? [[]] : []), ...(isLinked(runtimeDir) ? [["--runtime"]] : [])];
}

/** Returns whether the unit starts at boot, or with another unit. */
export function isEnabled(reader: HostReader, unit: string): boolean {
  return enablementLinks(reader, configDir, fullName(unit)).length > 0;
}

/** Returns the links in one directory that enable the unit: in the folders of other units, and its aliases. */
function enablementLinks(reader: HostReader, dir: string, unit: string): string[] {
  const isOurs = (name: string): boolean => name === unit || (isTemplate(unit) && templateOf(name) === unit);
  return (reader.list(dir) ?? []).flatMap((entry) => {
    const path = `${dir}/${entry}`;
    if (/\.(?:wants|requires|upholds)$/.test(entry)) {
      const links = isTemplate(unit) ? (reader.list(path) ?? []).filter(isOurs) : [unit];
      return links.map((link) => `${path}/${link}`).filter((link) => reader.stat(link)?.type === "link");
    }
    const target = isUnitName(entry) && entry !== unit ? reader.readLink(path) : null;
    return target !== null && isOurs(nameOf(target)) ? [path] : [];
  });
}
