// Generates the CycloneDX bill of materials: the packages that are compiled into the binary, and the runtime.

import { Enums, Models, Serialize, Spec } from "@cyclonedx/cyclonedx-library";

interface Package {
  name: string;
  version: string;
  /** In the format of the lockfile: "sha512-" and base64. */
  integrity: string;
}

type Lock = { packages: Record<string, [string, string, { dependencies?: Record<string, string> }, string]> };

/** Returns the named packages and all their dependencies, without duplicates, sorted by name. */
export function closure(lock: Lock, names: readonly string[]): Package[] {
  const found = new Map<string, Package>();
  const add = (name: string): void => {
    const entry = lock.packages[name];
    if (found.has(name) || entry === undefined) return;
    const [spec, , { dependencies = {} }, integrity] = entry;
    found.set(name, { name, version: spec.slice(spec.lastIndexOf("@") + 1), integrity });
    for (const each of Object.keys(dependencies)) add(each);
  };
  for (const name of names) add(name);
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * Returns the bill of materials. The same lockfile gives the same text, because it has no timestamp and no serial
 * number.
 */
export function sbom(version: string, packages: readonly Package[]): string {
  const bom = new Models.Bom();
  bom.metadata.component = new Models.Component(Enums.ComponentType.Application, "edox-ops", {
    version,
    bomRef: "edox-ops",
  });
  for (const { name, version: its, integrity } of packages) {
    const digest = Buffer.from(integrity.replace(/^sha512-/, ""), "base64").toString("hex");
    const hashes = new Models.HashDictionary([[Enums.HashAlgorithm["SHA-512"], digest]]);
    const type = name.startsWith("@oven/bun") ? Enums.ComponentType.Platform : Enums.ComponentType.Library;
    const purl = `pkg:npm/${name.replace("@", "%40")}@${its}`;
    bom.components.add(new Models.Component(type, name, { version: its, hashes, bomRef: purl, purl }));
  }
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));
  return `${serializer.serialize(bom, { sortLists: true, space: 2 })}\n`;
}
