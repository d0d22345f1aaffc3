// Checks commit messages: Conventional Commits (1.0.0), as far as this project uses them.

const types = ["feat", "fix", "perf", "refactor", "test", "docs", "build", "ci", "chore", "revert"];
const longest = 130;

/**
 * Returns what is wrong with a commit message, or null. Ignores git's comments, and accepts fixups, which are squashed
 * before the merge.
 */
export function faultOf(message: string): string | null {
  const [title = "", blank = ""] = message
    .replace(/^#.*\n?/gm, "")
    .trimEnd()
    .split("\n");
  if (/^(fixup|squash|amend)! /.test(title)) return null;
  const [, type = "", , , said = ""] = /^(\w+)(\([\w./-]+\))?(!)?: (.+)$/.exec(title) ?? [];
  if (!types.includes(type)) return `"${title}" does not begin with one of ${types.join(", ")} and a colon`;
  if (said.endsWith(".")) return `"${title}" ends with a full stop`;
  if (title.length > longest) return `"${title}" has ${title.length} characters, and may have ${longest}`;
  return blank === "" ? null : "the second line is not empty";
}

if (import.meta.main) {
  const fault = faultOf(await Bun.file(process.argv[2] ?? "/dev/stdin").text());
  if (fault) console.error(`commit message: ${fault} (docs/branches.md)`);
  process.exitCode = fault ? 1 : 0;
}
