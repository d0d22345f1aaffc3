// Generates the installer of a release from the template build/install.sh, with the release's version, URL, key and
// checksums; and the preinst of the Debian package. Both run build/unfit.sh before they change anything.

import { readFileSync } from "node:fs";

export interface Release {
  version: string;
  /** The URL of the releases, `…/-/releases`, without a trailing slash. */
  baseUrl: string;
  /** A P-256 key in PEM. */
  publicKey: string;
  /** Lines of SHA256SUMS. */
  sums: string;
}

/** Returns the installer. Throws for a value that could change the meaning of the script. */
export function filled(template: string, { version, baseUrl, publicKey, sums }: Release): string {
  if (!/^\d+\.\d+\.\d+$/.test(version)) throw new Error(`${version} is not a version of a release`);
  if (!/^https?:\/\/[\w.:/%~-]*[^/]$/.test(baseUrl)) throw new Error(`${baseUrl} is not an address for a script`);
  if (!/^-----BEGIN PUBLIC KEY-----\n[\w+/=\n]+\n-----END PUBLIC KEY-----\n?$/.test(publicKey)) {
    throw new Error("the public key is not one in PEM");
  }
  if (!/^([0-9a-f]{64} {2}[\w.+-]+\n?)+$/.test(sums)) throw new Error("the checksums are not those of assets");
  return withValues(template, {
    ...{ VERSION: version, BASE_URL: baseUrl, PUBLIC_KEY: publicKey, SUMS: sums },
    UNFIT: unfit(),
  });
}

/** Returns the preinst of the Debian package. */
export function preinst(): string {
  return `${withValues(shellSource("preinst.sh"), { UNFIT: unfit() })}\n`;
}

/** Returns unfit.sh without its first paragraph, which is for its editors. */
function unfit(): string {
  return shellSource("unfit.sh").replace(/^.*?\n\n/s, "");
}

function shellSource(name: string): string {
  return readFileSync(`${import.meta.dir}/${name}`, "utf8");
}

function withValues(template: string, values: Record<string, string>): string {
  for (const name of Object.keys(values)) {
    if (!template.includes(`@${name}@`)) throw new Error(`the template has no @${name}@`);
  }
  return template.replace(/@([A-Z_]+)@/g, (placeholder, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`nothing is known for ${placeholder} of the template`);
    return value.trimEnd();
  });
}
