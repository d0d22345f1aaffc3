// The content of a bundle for a terminal.

import { timeText } from "../../bundle/trust.ts";
import { details, table } from "../../report/table.ts";
import { countOf } from "../../text/lines.ts";
import { sizeText } from "../../text/size.ts";
import type { View } from "../view.ts";
import { type Description, signatureText } from "./text.ts";

/** Returns the values of the bundle, and a table each for its packages, images and sites. */
export function bundleText(description: Description, { width }: View): string {
  const { path, id, bytes, serial, target, since, program, packages, images, sites, sbom } = description;
  const installed = packages.reduce((sum, each) => sum + each.installed_bytes, 0);
  const rows = {
    BUNDLE: `${path} (${sizeText(bytes)})`,
    ID: id,
    CREATED: timeText(serial),
    FOR: `${target.family} ${target.codename} on ${target.architecture}`,
    WITH: description.with.join(", "),
    SINCE: since ?? "",
    SIGNATURE: signatureText(description),
    PROGRAM: program === null ? "" : `edox-ops ${program}`,
    CONTENT: [
      `${countOf(packages.length, "package")} (installed ${sizeText(installed)})`,
      countOf(images.length, "image"),
      countOf(sites.length, "site"),
    ].join(", "),
    SBOM: sbom ? "CycloneDX (--sbom prints it)" : "",
  };
  const packageRows = packages.map(({ name, version, architecture, bytes: size, licence }) => {
    return [name, version, architecture, sizeText(size), licence ?? ""];
  });
  const imageRows = images.map(({ reference, bytes: size }) => [reference, sizeText(size)]);
  const siteRows = sites.map(({ name, files, bytes: size }) => [name, String(files), sizeText(size)]);
  return [
    details(Object.keys(rows), Object.values(rows), width),
    ...(packages.length === 0 ? [] : [table(["PACKAGE", "VERSION", "ARCH", "SIZE", "LICENCE"], packageRows, width)]),
    ...(images.length === 0 ? [] : [table(["IMAGE", "SIZE"], imageRows, width)]),
    ...(sites.length === 0 ? [] : [table(["SITE", "FILES", "SIZE"], siteRows, width)]),
  ].join("\n");
}
