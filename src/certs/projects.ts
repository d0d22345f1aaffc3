// Which projects have a certificate of certbot. An invalid record has its certificate too if its domain is valid.

import * as v from "valibot";
import { docsRoot, projectsPath } from "../engine/paths.ts";
import type { HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { acmeDir } from "../nginx/paths.ts";
import { previewHostOf } from "../sites/previews/names.ts";
import { previewNames } from "../sites/previews/present.ts";
import { domain as domainRule, isRecord, slug as slugRule } from "../sites/project.ts";
import { parseJson } from "../text/json.ts";
import type { Lineage } from "./lineage.ts";
import { renewalConfigDir } from "./paths.ts";
import { webrootsOf } from "./renewal-config.ts";

/** A project, by the parts of its record that concern certificates. */
export interface CertifiedProject {
  slug: string;
  domain: string;
  /** The domain and the aliases, in lower case. */
  names: string[];
  tls: boolean;
  enabled: boolean;
  /** Whether its previews have host names. */
  hasPreviewHosts: boolean;
  /** The lineage of its previews with host names, or null. */
  previewCertificate: string | null;
  /** The lineages of single previews, sorted. */
  previewLineages: string[];
}

/** Returns the projects of this host; none if the file of the records cannot be parsed, which another check reports. */
export function projectsIn(reader: HostReader): CertifiedProject[] {
  const records = recordsIn(reader);
  if (!isRecord(records)) return [];
  return Object.entries(records).flatMap(([slug, value]) => {
    if (!isRecord(value) || !v.is(domainRule, value.domain)) return [];
    const { domain, tls, enabled, aliases, previews, preview_certificate } = value;
    const hasPreviewHosts = previews === "host";
    const hasLineage = hasPreviewHosts && typeof preview_certificate === "string";
    const names = [domain, ...(Array.isArray(aliases) ? aliases : [])].filter((each) => typeof each === "string");
    return [
      {
        ...{ slug, domain, names: names.map((each) => each.toLowerCase()), tls: tls === true },
        enabled: enabled === true,
        hasPreviewHosts,
        previewCertificate: hasLineage ? preview_certificate : null,
        previewLineages: hasPreviewHosts ? previewLineagesOf(reader, slug, domain) : [],
      },
    ];
  });
}

/** Returns the lineages that certbot has for previews of a project which exist. */
function previewLineagesOf(reader: HostReader, slug: string, domain: string): string[] {
  if (!v.is(slugRule, slug)) return [];
  const names = previewNames(reader, slug).map((name) => previewHostOf({ domain }, name));
  return names.filter((name) => reader.stat(`${renewalConfigDir}/${name}.conf`) !== null);
}

function recordsIn(reader: HostReader): unknown {
  const text = textOf(reader, projectsPath);
  try {
    return text === null ? null : parseJson(text);
  } catch {
    return null;
  }
}

/** Returns the projects that are, or can be, served with the certificate of this lineage, or whose previews are. */
export function projectsOf(projects: readonly CertifiedProject[], { name }: Pick<Lineage, "name">): CertifiedProject[] {
  return projects.filter(({ domain, previewCertificate, previewLineages }) => {
    return [domain, previewCertificate, ...previewLineages].includes(name);
  });
}

/** Returns whether a deploy removes what certbot writes to this webroot. */
export function isSiteRoot(webroot: string): boolean {
  return `${webroot}/`.startsWith(`${docsRoot}/`);
}

/** Returns whether edox-ops manages a lineage: a project has its domain, or this program or the Python version made it. */
export function isOurs(lineage: Lineage, projects: readonly CertifiedProject[]): boolean {
  if (projectsOf(projects, lineage).length > 0) return true;
  const webroots = webrootsOf(lineage.settings);
  return webroots.length > 0 && webroots.every((each) => each === acmeDir || isSiteRoot(each));
}
