// The bill of materials of a bundle, in CycloneDX 1.6: packages, images and the program. It has no date and no serial
// number, so that equal bundles have equal bytes.

import type { Manifest } from "./manifest.ts";

export const sbomPath = "sbom.cdx.json";

interface Component {
  type: "application" | "container" | "library";
  "bom-ref": string;
  name: string;
  version: string;
  purl?: string;
  hashes?: { alg: "SHA-256"; content: string }[];
  licenses?: { license: { name: string } }[];
}

type Listed = Pick<Manifest, "target" | "packages" | "images" | "program">;

/** Returns the document. `digests`: the SHA-256 in hex of packages, by their paths in the bundle. */
export function bundleSbom(
  { target, packages, images, program }: Listed,
  digests: ReadonlyMap<string, string>,
): string {
  const components: Component[] = [
    ...(program === null
      ? []
      : [{ type: "application" as const, "bom-ref": "edox-ops", name: "edox-ops", version: program.version }]),
    ...packages.map(({ name, version, architecture, path, licence }): Component => {
      const digest = digests.get(path);
      const distro = `distro=${target.codename}`;
      const purl = `pkg:deb/${target.family}/${encoded(name)}@${encoded(version)}?arch=${architecture}&${distro}`;
      return {
        type: "library",
        "bom-ref": purl,
        name,
        version,
        purl,
        ...(digest !== undefined && { hashes: [{ alg: "SHA-256", content: digest }] }),
        ...(licence !== null && { licenses: [{ license: { name: licence } }] }),
      };
    }),
    ...images.map(({ reference, config }): Component => {
      const hashes = [{ alg: "SHA-256" as const, content: config.replace(/^sha256:/, "") }];
      return { type: "container", "bom-ref": reference, name: reference, version: config, hashes };
    }),
  ];
  const document = {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      component: {
        type: "data",
        "bom-ref": "bundle",
        name: `edox-ops bundle for ${target.family} ${target.codename} ${target.architecture}`,
      },
    },
    components,
  };
  return `${JSON.stringify(document, null, 1)}\n`;
}

/** A colon and a plus have a meaning in a package URL. */
function encoded(text: string): string {
  return encodeURIComponent(text);
}
