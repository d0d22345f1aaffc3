// Checks that apt can read its sources: two conflicting ones block every installation.

import { type AptSource, aptSources, bareUri } from "../apt/sources.ts";
import type { Change } from "../engine/change.ts";
import { overlay } from "../engine/overlay.ts";
import type { Resource } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import type { Requirement, Unmet } from "../problem/requirement.ts";
import { linesOf } from "../text/lines.ts";
import { chosenRepository } from "./apt-repository.ts";

/** apt caches its parsed lists in files of 3 MB. Without them the check writes nothing and works on a full disk. */
const noCaches = ["-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache="];

/**
 * Returns a requirement that is met when apt can read its sources, or could once these resources have removed the
 * sources that conflict with ours.
 */
export function sourcesReadable(...healing: Resource[]): Requirement {
  return {
    name: "apt:sources",
    title: "apt can read its sources",
    async check(reader, warn) {
      const ahead: Change[] = [];
      for (const resource of healing) ahead.push(...(await resource.check(reader, ahead, warn)));
      return (await readSources(reader, ahead)).unmet;
    },
  };
}

/**
 * Returns the first conflict in apt's sources and the duplicates among them. Runs apt, because its notion of a conflict
 * varies with its version and the order of the files. apt reports only the first conflict. If the changes ahead resolve
 * it, the installation reports a second one. `duplicates` contains pairs of "path:line" that name the same source.
 */
export async function readSources(
  reader: HostReader,
  ahead: readonly Change[] = [],
): Promise<{ unmet: Unmet | null; duplicates: { first: string; second: string }[] }> {
  const { code, stderr } = await reader.probe(["apt-get", "indextargets", ...noCaches, "--format", "$(SITE)"]);
  if (code !== 0) return { unmet: reason(reader, ahead, stderr), duplicates: [] };
  const twice = stderr.matchAll(/ is configured multiple times in (\S+:\d+) and (\S+:\d+)$/gm);
  return { unmet: null, duplicates: [...twice].map(([, first = "", second = ""]) => ({ first, second })) };
}

function reason(reader: HostReader, ahead: readonly Change[], stderr: string): Unmet | null {
  const conflict = /^E: Conflicting values set for option (\S+) regarding source (\S+) ([^\s:]+)/m.exec(stderr);
  const [, option = "", uri = "", suite = ""] = conflict ?? [];
  const isSame = (source: AptSource): boolean => bareUri(source.uri) === bareUri(uri) && source.suite === suite;
  const all = aptSources(reader);
  const same = all.filter(isSame);
  const [first] = same;
  if (first === undefined) {
    const error =
      linesOf(stderr)
        .find((line) => line.startsWith("E: "))
        ?.slice(3) ?? stderr.trim();
    const path = /\/etc\/apt\/[^\s:]+/.exec(error)?.[0];
    // Errors of other causes, such as a full disk, are left to the installation.
    return path === undefined
      ? null
      : { reason: `apt cannot read its sources: ${error}`, hint: ["cat", "-n", path], code: "invalid-config" };
  }
  if (aptSources(overlay(reader, ahead)).filter(isSame).length < 2) return null;
  const paths = [...new Set(same.map(({ path }) => path))];
  const places = paths.length === 1 ? `${first.path} names` : `${paths.join(" and ")} name`;
  const whole = paths.filter((path) => all.every((source) => source.path !== path || isSame(source)));
  const spare = whole.filter((path) => chosenRepository(reader, path) === null).sort(bySpare)[0];
  return {
    reason: `apt cannot read its sources: ${places} ${first.title} with different values of ${option}`,
    code: "invalid-config",
    hint:
      paths.length > 1 && spare !== undefined
        ? ["sudo", "mv", spare, `${spare}.disabled`]
        : ["cat", "-n", paths.at(-1) ?? ""],
  };

  /** Prefers the file whose key is missing, then the one in the older format. */
  function bySpare(a: string, b: string): number {
    return Number(lacksKey(b)) - Number(lacksKey(a)) || Number(b.endsWith(".list")) - Number(a.endsWith(".list"));
  }

  function lacksKey(path: string): boolean {
    return all.some((source) => source.path === path && source.keyPaths.some((key) => reader.statTarget(key) === null));
  }
}
