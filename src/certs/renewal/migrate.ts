// Moves lineages of the Python version to the webroot of edox-ops. Theirs was the root of the site, which each deploy
// removes, and which nginx no longer serves challenges from.

import type { Change } from "../../engine/change.ts";
import { overlay } from "../../engine/overlay.ts";
import type { Resource, Step } from "../../engine/step.ts";
import type { HostReader } from "../../host/host.ts";
import { textOf } from "../../host/text-file.ts";
import { acmeDir } from "../../nginx/paths.ts";
import type { Warn } from "../../problem/requirement.ts";
import { vhostPath } from "../../sites/serve/site.ts";
import { certbotCommand } from "../certbot.ts";
import { certbot, certbotFree, renewalTest } from "../certbot-run.ts";
import { type Lineage, readLineages, renewalConfigChange } from "../lineage.ts";
import { type CertifiedProject, isSiteRoot, projectsIn } from "../projects.ts";
import { withWebroot } from "../renewal-config.ts";

const again = ["sudo", "edox-ops", "certs", "setup-auto-renew", "--yes"];

/** Returns the names of a lineage whose responses nginx does not find where certbot writes them. */
export function misplacedNames(lineage: Lineage, projects: readonly CertifiedProject[]): string[] {
  const { authenticator, webroots } = lineage.settings;
  if (authenticator !== "webroot") return [];
  const served = new Set(projects.filter(({ enabled }) => enabled).flatMap(({ names }) => names));
  return [...webroots].flatMap(([name, dir]) =>
    dir !== acmeDir && (isSiteRoot(dir) || served.has(name)) ? [name] : [],
  );
}

const webroots: Resource = {
  name: "certs:webroot",
  title: "certbot writes its responses where no deploy removes them",
  optional: true,
  check(before: HostReader, ahead, warn: Warn): Change[] {
    const reader = overlay(before, ahead);
    const projects = projectsIn(reader);
    return [...readLineages(reader).lineages.values()].flatMap((lineage) =>
      migration(reader, { lineage, projects, warn }),
    );
  },
};

interface Migration {
  lineage: Lineage;
  projects: readonly CertifiedProject[];
  warn: Warn;
}

function migration(reader: HostReader, { lineage, projects, warn }: Migration): Change[] {
  const names = misplacedNames(lineage, projects);
  if (names.length === 0) return [];
  // A site of the Python version serves challenges from its root until it is updated.
  const former = projects.find(
    (each) => each.enabled && each.names.some((name) => names.includes(name)) && isFormer(reader, each),
  );
  if (former !== undefined) {
    warn(`the renewal of ${lineage.name} is migrated after its site: sudo edox-ops project enable ${former.slug}`);
    return [];
  }
  const reason = `certbot writes responses for ${names.join(", ")} where nginx does not find them, or a deploy removes them`;
  return [
    renewalConfigChange(reader, lineage, (text) => withWebroot(text, new Set(names), acmeDir)),
    // A failure of this renewal rolls the edit back.
    certbotCommand(certbot(...renewalTest(lineage)), reason, { again, server: lineage.settings.server }),
  ];
}

function isFormer(reader: HostReader, { slug }: CertifiedProject): boolean {
  return textOf(reader, vhostPath(slug))?.includes(acmeDir) !== true;
}

/** The step that moves lineages to the webroot of edox-ops. A renewal without a certificate proves each move. */
export const webrootsMigrated: Step = {
  id: "certs.webroot",
  title: "renewals use the webroot of edox-ops",
  requires: [certbotFree],
  journal: true,
  resources: [webroots],
};
