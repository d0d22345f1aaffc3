// The list of versions that version selectors read: the format of mike, which Material for MkDocs reads, with the keys
// of pydata-sphinx-theme. Both ignore what they do not know.

import { type SiteVersions, versionNamed } from "./versions.ts";

/**
 * Returns the text of versions.json, newest version first. An alias that is the default comes first, because Material
 * shows the first one. Addresses have no host name, so that they are right under each name of the site.
 */
export function indexText(found: SiteVersions, defaultName: string | undefined): string {
  const preferred = defaultName === undefined ? null : versionNamed(found, defaultName);
  const entries = found.versions.map(({ name, title, aliases }) => ({
    version: name,
    title,
    aliases: aliases.toSorted((a, b) => Number(b === defaultName) - Number(a === defaultName)),
    name: title,
    url: `/${name}/`,
    ...(name === preferred?.name && { preferred: true }),
  }));
  return `${JSON.stringify(entries, null, 2)}\n`;
}
