// Proposes the next version from the commits since the last tag. Writes and commits it with --yes, and tags it with
// --tag.
//   bun build/bump.ts [--yes] [--tag] [X.Y.Z]

import { version } from "../package.json";
import { nextVersion, released } from "./changelog.ts";

export interface Wish {
  yes: boolean;
  tag: boolean;
  version?: string | undefined;
}

/**
 * Releases the next version in the folder `top`. Returns what it did or, without `yes`, would do. Throws if there is
 * nothing to release, or if there are uncommitted changes.
 */
export async function bump(top: string, from: string, wish: Wish, date: string): Promise<string> {
  const git = (...argv: string[]): string => {
    const { success, stdout, stderr } = Bun.spawnSync(["git", ...argv], { cwd: top });
    if (!success) throw new Error(`git ${argv[0]} failed: ${stderr.toString().trim()}`);
    return stdout.toString().trim();
  };
  if (git("status", "--porcelain") !== "") throw new Error("the tree has changes that no commit has");
  const tagged = git("tag", "--list", `v${from}`) !== "";
  const range = tagged ? [`v${from}..HEAD`] : ["HEAD"];
  const messages = git("log", "--format=%B%x00", ...range)
    .split("\0")
    .map((each) => each.trim())
    .filter(Boolean);
  if (messages.length === 0) throw new Error(`no commit since v${from}`);
  const next = wish.version ?? nextVersion(from, messages);
  if (!/^\d+\.\d+\.\d+$/.test(next)) throw new Error(`${next} is no version: X.Y.Z`);
  const changelog = await Bun.file(`${top}/CHANGELOG.md`).text();
  const notes = released(changelog, next, date);
  if (!wish.yes)
    return `${from} -> ${next}, from ${messages.length} commits: npm run release:bump -- --yes${wish.tag ? " --tag" : ""}`;
  const manifest = await Bun.file(`${top}/package.json`).text();
  await Bun.write(`${top}/package.json`, manifest.replace(`"version": "${from}"`, `"version": "${next}"`));
  await Bun.write(`${top}/CHANGELOG.md`, notes);
  git("commit", "--quiet", "--message", `chore: ${next}`, "--", "package.json", "CHANGELOG.md");
  if (wish.tag) git("tag", "--annotate", "--message", `edox-ops ${next}`, `v${next}`);
  return `${from} -> ${next}, committed${wish.tag ? ` and tagged: git push --follow-tags` : ""}`;
}

if (import.meta.main) {
  const words = process.argv.slice(2);
  const wish = {
    yes: words.includes("--yes"),
    tag: words.includes("--tag"),
    version: words.find((word) => /^\d/.test(word)),
  };
  try {
    console.log(await bump(`${import.meta.dir}/..`, version, wish, new Date().toISOString().slice(0, 10)));
  } catch (error) {
    console.log(`error: ${(error as Error).message}`);
    process.exitCode = 1;
  }
}
