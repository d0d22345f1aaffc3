// Decides how the previews of a project are served.

import { ownAddresses } from "../../certs/issue/addresses.ts";
import type { HostReader } from "../../host/host.ts";
import { previewDomainOf } from "../../sites/previews/names.ts";
import type { PreviewMode, Project } from "../../sites/project.ts";

/** A mode, and the reason for it. */
interface ChosenMode {
  mode: PreviewMode;
  reason: string;
}

/** A person waits for this. */
const dnsLimitMs = 2000;

/**
 * Returns the mode for a project that has none: host names if the DNS has a wildcard record for them that leads here,
 * else paths. Behind a reverse proxy, any address counts.
 */
export async function chooseMode(reader: HostReader, project: Project): Promise<ChosenMode> {
  const domain = previewDomainOf(project);
  // Nobody has registered a random name, so that only a wildcard record matches it.
  const label = `edox-ops-${crypto.randomUUID().slice(0, 8)}`;
  const { addresses, failure } = await reader.resolve(`${label}.${domain}`, { limitMs: dnsLimitMs });
  if (addresses.length === 0) {
    const reason =
      failure === "no-record" ? `the DNS has no record for *.${domain}` : `the DNS does not answer for *.${domain}`;
    return { mode: "path", reason };
  }
  const own = ownAddresses(reader);
  const isKnown = own.publicOf(4) !== null || own.publicOf(6) !== null;
  const leadsHere = addresses.some((address) => own.has(address));
  if (isKnown && !leadsHere && project.real_ip_from === undefined) {
    return { mode: "path", reason: `*.${domain} leads to ${addresses.join(", ")}, which is not this host` };
  }
  return { mode: "host", reason: `the DNS has a record for *.${domain}` };
}
