// Sets when certbot renews a certificate with a short lifetime. Debian's certbot renews 30 days before the expiry by
// default, which is each time that its timer runs if the lifetime is not longer.

import type { Change } from "../../engine/change.ts";
import type { Resource, Step } from "../../engine/step.ts";
import { type HostReader, UnknownStateError } from "../../host/host.ts";
import { overdueMs } from "../../sites/serve/overdue.ts";
import { type Lineage, readLineages, renewalConfigChange } from "../lineage.ts";
import { isOurs, projectsIn } from "../projects.ts";
import { intervalMs, withRenewBefore } from "../renewal-config.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** The default of certbot before 4.1. */
const defaultBeforeMs = 30 * dayMs;
/**
 * Below this lifetime, two thirds of it are left at the renewal: of six days four. The runs of the timer are up to a day
 * apart, so an authority that is down for a day and a half costs three and a half days.
 */
const shortLifetimeMs = 10 * dayMs;

/** Returns how long before the expiry certbot renews, in milliseconds; null for a setting in an unknown form. */
export function renewBeforeMs({ settings: { renewBefore } }: Lineage): number | null {
  return renewBefore === null ? defaultBeforeMs : intervalMs(renewBefore);
}

/** Returns the setting that certbot needs, or null if the present one is right. */
function settingFor(lineage: Lineage): string | null {
  const { name, certificate } = lineage;
  if (certificate === null) throw new UnknownStateError(`only root can read the certificate ${name}`);
  const before = renewBeforeMs(lineage);
  if (before === null || (before < certificate.lifetime && before >= overdueMs(certificate.lifetime))) return null;
  const share = certificate.lifetime < shortLifetimeMs ? 2 / 3 : 1 / 3;
  const ms = Math.min(certificate.lifetime * share, defaultBeforeMs);
  const setting = `${Math.max(1, Math.floor(ms / hourMs))} hours`;
  // No whole number of hours is right for a lifetime below two hours.
  return setting === lineage.settings.renewBefore ? null : setting;
}

const renewBefore: Resource = {
  name: "certs:renew-before",
  title: "certbot renews each certificate in time, and not at every run of its timer",
  optional: true,
  check(reader: HostReader): Change[] {
    const projects = projectsIn(reader);
    const ours = [...readLineages(reader).lineages.values()].filter((each) => isOurs(each, projects));
    return ours.flatMap((lineage) => {
      const setting = settingFor(lineage);
      return setting === null ? [] : [renewalConfigChange(reader, lineage, (text) => withRenewBefore(text, setting))];
    });
  },
};

/** The step that sets the time of renewals. */
export const renewInTime: Step = {
  id: "certs.renew-before",
  title: "certificates with a short lifetime are renewed in time",
  resources: [renewBefore],
};
