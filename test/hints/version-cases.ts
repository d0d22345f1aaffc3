// States of a site with versions, each with the hint of a command.

import { ok } from "../fake-host.ts";
import type { SiteHost } from "../sites/site-host.ts";
import type { SiteCase } from "./site-cases.ts";

const versions = "/var/www/docs/.edox-ops-versions/demo";

/** Types commands that succeed. */
async function type(site: SiteHost, ...lines: string[]): Promise<void> {
  for (const line of lines) {
    const { exit, err } = await site.type(line);
    if (exit !== 0) throw new Error(err);
  }
}

/** Publishes the project demo with two versions, of which 1.4 is the default. */
async function publish(site: SiteHost): Promise<void> {
  await type(
    site,
    "project publish demo --domain demo.test --source /srv/site",
    "project deploy demo /srv/site --as 1.4 --alias latest --default",
    "project deploy demo /srv/site --as 1.5",
  );
  // The front page leads to the default version.
  const isLed = (): boolean => (site.fake.text("/etc/edox-ops/projects.json") ?? "").includes("default_version");
  site.fake.taught.unshift((argv) => {
    return argv.includes("--parallel") ? ok(`http://demo.test/ ${isLed() ? 302 : 404}\n`) : undefined;
  });
}

export const versionCases: SiteCase[] = [
  {
    of: 'sites/versions/versions.ts ["sudo", "edox-ops", "project", "versions", "list", slug]',
    state: publish,
    from: "project versions alias demo next 2.0",
    shows: "1.4\tlatest,(default)\t",
  },
  {
    of: 'cli/project/versions/remove.ts ["sudo", "edox-ops", "project", "versions", "default", slug, others?.name ?? "none"]',
    state: publish,
    from: "project versions remove demo 1.4 --yes",
  },
  {
    of: 'cli/project/versions/remove.ts ["sudo", "edox-ops", ...context.typed, "--dry-run"]',
    state: publish,
    from: "project versions remove demo 1.5",
    shows: `Would delete ${versions}/1.5`,
  },
  {
    of: 'sites/health.ts ("versions", "default", slug, newest.aliases[0] ?? newest.name)',
    async state(site) {
      await publish(site);
      await type(site, "project versions default demo none");
      site.disk.remove("/var/www/docs/demo/index.html");
    },
    from: "project validate demo",
  },
  {
    of: 'sites/versions/health.ts ("default", slug, found.versions[0]?.name ?? "none")',
    async state(site) {
      await publish(site);
      site.disk.remove(`${versions}/latest`);
    },
    from: "project validate demo",
  },
  {
    of: 'sites/versions/health.ts ("rename", slug, from, to)',
    async state(site) {
      await publish(site);
      site.disk.write(`${versions}/.renaming`, "1.5 1.5.0\n");
    },
    from: "project validate demo",
  },
];
