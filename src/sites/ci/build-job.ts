// The job that builds the site, for each generator.

/** The lines of the job, in YAML. Directories are quoted, because a project may change them. */
const jobs = {
  none: `
  # Replace this with your own build. Until then, the site is what the repository has in this directory.
  script:
    - test -f "$EDOX_OPS_SITE/index.html"`,
  mkdocs: `
  image: python:3.13-slim
  script:
    - pip install --quiet mkdocs-material
    - mkdocs build --strict --site-dir "$EDOX_OPS_SITE"`,
  sphinx: `
  image: python:3.13-slim
  script:
    - pip install --quiet sphinx furo
    # -d: the state of Sphinx would be deployed with the site otherwise.
    - sphinx-build -b html -W --keep-going -d .doctrees docs "$EDOX_OPS_SITE"`,
  docusaurus: `
  image: node:24-slim
  # In docusaurus.config.js, set baseUrl to the variable EDOX_OPS_BASE, or to / without it.
  script:
    - npm ci
    - npx docusaurus build --out-dir "$EDOX_OPS_SITE"`,
  vitepress: `
  image: node:24-slim
  script:
    - npm ci
    - npx vitepress build docs --outDir "$EDOX_OPS_SITE" --base "$EDOX_OPS_BASE"`,
} as const;

export type Generator = keyof typeof jobs;

export const generators = Object.keys(jobs) as Generator[];

/** Returns whether the pages that a generator builds work at no other path than the one that they are built for. */
export function isBoundToBase(generator: Generator): boolean {
  return jobs[generator].includes("EDOX_OPS_BASE");
}

/** Returns the job `build` in YAML. */
export function buildJob(generator: Generator): string {
  return `build:\n  extends: .edox-ops-build${jobs[generator]}\n`;
}
