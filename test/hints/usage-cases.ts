// Wrong command lines, each with the corrected line as its hint.

import type { Case } from "./cases.ts";

const state = (): void => {};

export const usageCases: Case[] = [
  {
    of: 'cli/cli.ts ["edox-ops", ...names, "--help"]',
    state,
    from: "project --",
    shows: "Publish and manage documentation sites",
  },
  { of: 'cli/cli.ts ["edox-ops", "--version"]', state, from: "--version --quiet", shows: "0.0.0-test" },
  {
    of: 'cli/resolve.ts ["edox-ops", ...names, "--help"]',
    state,
    from: "project status",
    shows: "Publish and manage documentation sites",
  },
  {
    of: 'cli/resolve.ts ["edox-ops", ...names, ...corrected]',
    state,
    from: "project deploy demo --sorce /srv/new --dry-rn",
    shows: "--source PATH",
  },
  {
    of: 'cli/resolve.ts ["edox-ops", ...names, ...corrected]',
    state,
    from: "project show",
    shows: "domain: demo.test",
  },
  {
    of: 'cli/resolve.ts ["edox-ops", ...names, ...withoutSecrets(words)]',
    state,
    from: "--dry-run project init demo",
    shows: "project.init",
  },
  {
    of: 'cli/resolve.ts ["edox-ops", ...path, "--help"]',
    state,
    from: "project remvoe demo --delete-files --yes",
    shows: "Remove a project; keeps its files and backups",
  },
  {
    of: 'cli/resolve.ts ["edox-ops", ...names, ...withoutSecrets(words)]',
    state,
    from: "backups list demo",
    shows: "No deploy backups for this project.",
  },
  {
    of: 'cli/resolve.ts ["edox-ops", ...names, ...withoutSecrets(words)]',
    state,
    from: "projct show demo",
    shows: "domain: demo.test",
  },
  {
    of: 'cli/resolve.ts ["edox-ops", ...known, "--help"]',
    state,
    from: "status demo",
    shows: "Check the health of this host",
  },
];
