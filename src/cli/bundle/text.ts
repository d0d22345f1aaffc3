// Descriptions of bundles as lines of text.

import type { describeBundle } from "../../bundle/description.ts";
import { timeText } from "../../bundle/trust.ts";
import { countOf, lineOf } from "../../text/lines.ts";
import { sizeText } from "../../text/size.ts";

export type Description = ReturnType<typeof describeBundle>;

/** Returns who signed a bundle, as far as this host knows. */
export function signatureText({ signed, signed_by }: Pick<Description, "signed" | "signed_by">): string {
  if (!signed) return "none";
  if (signed_by === null) return "by a key that this host does not have";
  return `by ${signed_by.path} (SHA-256 ${signed_by.fingerprint})`;
}

/** Returns the lines that describe a bundle. */
export function descriptionLines(description: Description): string[] {
  const { path, id, bytes, serial, target, since, program, packages, images, sites, sbom } = description;
  const sum = (sizes: readonly number[]): number => sizes.reduce((all, each) => all + each, 0);
  const downloads = sizeText(sum(packages.map((each) => each.bytes)));
  const installed = sizeText(sum(packages.map((each) => each.installed_bytes)));
  return [
    lineOf`bundle: ${path} (${sizeText(bytes)})`,
    lineOf`id: ${id}`,
    lineOf`created: ${timeText(serial)}`,
    lineOf`for: ${target.family} ${target.codename} on ${target.architecture}`,
    lineOf`with: ${description.with.join(", ")}`,
    ...(since === null ? [] : [lineOf`since: ${since}`]),
    lineOf`signature: ${signatureText(description)}`,
    lineOf`program: ${program === null ? "none" : `edox-ops ${program}`}`,
    lineOf`packages: ${packages.length} (${downloads}, installed ${installed})`,
    ...packages.map((each) => {
      const licence = each.licence === null ? "" : ` ${each.licence}`;
      return lineOf`  ${each.name} ${each.version} ${each.architecture} ${sizeText(each.bytes)}${licence}`;
    }),
    lineOf`images: ${images.length}`,
    ...images.map((each) => lineOf`  ${each.reference} ${sizeText(each.bytes)} ${each.config}`),
    lineOf`sites: ${sites.length}`,
    ...sites.map((each) => lineOf`  ${each.name} ${countOf(each.files, "file")} ${sizeText(each.bytes)}`),
    lineOf`sbom: ${sbom ? "CycloneDX (--sbom prints it)" : "none"}`,
  ];
}
