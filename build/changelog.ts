// The changelog, in the form of Keep a Changelog: the text of a version, and a new one made of what is unreleased.

const heading = /^## \[(.+?)\](?: - \d{4}-\d\d-\d\d)?$/m;

/** What stands under the heading of a version, or null. */
export function sectionOf(changelog: string, version: string): string | null {
  const parts = changelog.split(/^(?=## \[)/m);
  const found = parts.find((part) => heading.exec(part)?.[1] === version);
  return found === undefined ? null : found.replace(heading, "").trim();
}

/** The same with what is unreleased as this version, and nothing unreleased. Throws where there is nothing. */
export function released(changelog: string, version: string, date: string): string {
  const unreleased = sectionOf(changelog, "Unreleased");
  if (unreleased === null || unreleased === "") throw new Error("CHANGELOG.md has nothing under [Unreleased]");
  if (sectionOf(changelog, version) !== null) throw new Error(`CHANGELOG.md has ${version} already`);
  return changelog.replace("## [Unreleased]", `## [Unreleased]\n\n## [${version}] - ${date}`);
}

/** By Conventional Commits and Semantic Versioning; before 1.0.0 what breaks raises the minor number. */
export function nextVersion(version: string, messages: readonly string[]): string {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  const breaks = messages.some((each) => /^\w+(\([^)]*\))?!:/.test(each) || /^BREAKING[ -]CHANGE: /m.test(each));
  const adds = messages.some((each) => /^feat(\([^)]*\))?!?:/.test(each));
  if (breaks && major > 0) return `${major + 1}.0.0`;
  if (breaks || adds) return `${major}.${minor + 1}.0`;
  return `${major}.${minor}.${patch + 1}`;
}
