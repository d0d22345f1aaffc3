// The changelog, in the format of Keep a Changelog: extracts the text of a version, and releases the unreleased
// changes.

const heading = /^## \[(.+?)\](?: - \d{4}-\d\d-\d\d)?$/m;

/** Returns the text under the heading of a version, or null. */
export function sectionOf(changelog: string, version: string): string | null {
  const parts = changelog.split(/^(?=## \[)/m);
  const found = parts.find((part) => heading.exec(part)?.[1] === version);
  return found === undefined ? null : found.replace(heading, "").trim();
}

/** Returns the changelog with the unreleased changes moved to this version. Throws if there are none. */
export function released(changelog: string, version: string, date: string): string {
  const unreleased = sectionOf(changelog, "Unreleased");
  if (unreleased === null || unreleased === "") throw new Error("CHANGELOG.md has nothing under [Unreleased]");
  if (sectionOf(changelog, version) !== null) throw new Error(`CHANGELOG.md has ${version} already`);
  return changelog.replace("## [Unreleased]", `## [Unreleased]\n\n## [${version}] - ${date}`);
}

/**
 * Returns the next version by Conventional Commits and Semantic Versioning. Before 1.0.0, a breaking change raises the
 * minor version.
 */
export function nextVersion(version: string, messages: readonly string[]): string {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  const breaks = messages.some((each) => /^\w+(\([^)]*\))?!:/.test(each) || /^BREAKING[ -]CHANGE: /m.test(each));
  const adds = messages.some((each) => /^feat(\([^)]*\))?!?:/.test(each));
  if (breaks && major > 0) return `${major + 1}.0.0`;
  if (breaks || adds) return `${major}.${minor + 1}.0`;
  return `${major}.${minor}.${patch + 1}`;
}
