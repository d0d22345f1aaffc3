// The words of a hint: read from what a command prints, and typed on the files of a host below a directory.

import { hintFor } from "../../src/report/style.ts";

/** Values that a person types for placeholders in capitals. */
const chosen: Record<string, string> = {
  DIRECTORY: "/srv/new",
  DOMAIN: "docs.example.org",
  "X.Y.Z": "1.2.2",
  SLUG: "demo",
};

export function wordsOf(hint: readonly string[]): string[] {
  return hintFor("/usr/bin/edox-ops", true)(hint).map((word) => chosen[word] ?? word);
}

/** Runs a program on the files of a directory, which may contain the program. */
export function run(words: readonly string[], dir: string) {
  const argv = words.map((word) => (word.startsWith("/") ? dir + word : word));
  return Bun.spawnSync(argv, {
    cwd: `${dir}/srv`,
    env: { PATH: process.env.PATH ?? "", HOME: dir, LC_ALL: "C.UTF-8" },
  });
}

/** Returns the words of the first hint, split as a shell does, or no words if there is no hint. */
export function hintIn(err: string): string[] {
  const forms = [/^hint: (.*)$/m, /\(run: (.*)\)\.?$/m, /if you trust it: (.*)$/m];
  const line = forms.map((form) => form.exec(err)?.[1]).find((found) => found !== undefined);
  if (line === undefined) return [];
  if (/^[\w ./:=-]+$/.test(line)) return line.split(" ");
  return Bun.spawnSync(["sh", "-c", `printf '%s\\0' ${line}`])
    .stdout.toString()
    .split("\0")
    .slice(0, -1);
}
