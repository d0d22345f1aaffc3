// Runs the static checks of a change: formatting, types, shell scripts, links, and commit messages.
//   bun build/lint.ts

import { faultOf } from "./commit-message.ts";

const top = `${import.meta.dir}/..`;
const tool = (name: string): string => `${top}/node_modules/.bin/${name}`;
const scripts = ["test", "build"].flatMap((dir) => [...new Bun.Glob(`${dir}/**/*.sh`).scanSync(top)]);

const parts: Record<string, () => Promise<string | null>> = {
  "format and lint": () => ran([tool("biome"), "ci", "--error-on-warnings", "."]),
  // What an earlier run found about unchanged files is used again.
  types: () => ran([tool("tsc"), "-p", ".", "--incremental", "--tsBuildInfoFile", `${top}/.cache/types.tsbuildinfo`]),
  "shell scripts": () =>
    Bun.which("shellcheck") === null
      ? Promise.resolve("shellcheck is not installed: sudo apt-get install shellcheck")
      : ran(["shellcheck", ".ci/run", ...scripts.sort()]),
  links: () => ran([process.execPath, "test", "./test/docs/links.test.ts"]),
  "commit messages": messages,
};

const found = await Promise.all(
  Object.entries(parts).map(async ([name, check]) => {
    const fault = await check();
    if (fault) console.log(`${name}:\n${fault}`);
    return fault === null ? [] : name;
  }),
);
const failed = found.flat();
console.log(
  failed.length === 0
    ? "lint: all is well"
    : `lint failed: ${failed.join(", ")} (to repeat it: npm run lint; npm run format)`,
);
process.exitCode = failed.length === 0 ? 0 : 1;

/** Runs a check. Returns its output if it failed, or null. */
async function ran(argv: string[]): Promise<string | null> {
  const child = Bun.spawn(argv, { cwd: top, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return code === 0 ? null : `${out}${err}`.trim();
}

/** Checks the commit messages of a merge request, or those of a branch that the default branch does not have. */
async function messages(): Promise<string | null> {
  const { CI_MERGE_REQUEST_DIFF_BASE_SHA: base, CI_DEFAULT_BRANCH: branch } = process.env;
  const from = base ?? (branch && known(`origin/${branch}`) ? `origin/${branch}` : "HEAD~1");
  const range = known(from) ? [`${from}..HEAD`] : ["-1", "HEAD"];
  const log = Bun.spawnSync(["git", "log", "--format=%B%x00", ...range], { cwd: top });
  const faults = log.stdout
    .toString()
    .split("\0")
    .map((message) => message.trim())
    .filter(Boolean)
    .flatMap((message) => faultOf(message) ?? []);
  return faults.length === 0 ? null : faults.join("\n");
}

function known(commit: string): boolean {
  return Bun.spawnSync(["git", "rev-parse", "--quiet", "--verify", `${commit}^{commit}`], { cwd: top }).success;
}
