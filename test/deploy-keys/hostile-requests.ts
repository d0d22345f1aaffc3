// Hostile requests of a client, generated from a seed: the texts that it can give to ssh as its command.

import fc from "fast-check";

/** Words that a shell, ssh or the program itself would act on. */
const words = [
  ...["deploy", "rollback", "status", "versions", "preview", "list", "remove", "project", "key", "add", "uninstall"],
  ...["--preview", "--as", "--alias", "--default", "--expires", "--branch", "--strict-urls", "--yes", "--help", "-"],
  ...[
    "--include",
    "--source",
    "--bundle",
    "--keep=0",
    "--no-probe",
    "--wait=0s",
    "--json",
    "--",
    "-n",
    "demo",
    "other",
  ],
  ...["sh", "-c", "id", "cat", "/etc/shadow", "../other", "/etc", "~", "*", "?", "{a,b}", "!!", "%2e%2e", "..", "."],
  ...["internal-sftp", "scp -t /", "scp -f /etc/shadow", "rsync --server . /", "git-shell", "/bin/sh", "sudo -s"],
  ...["EDOX_OPS_KEY=other/ci", "deploy-session", "A=1", "latest", "1.4", "main", "14d", "feature/x", "a".repeat(300)],
];
const glue = [
  " ",
  " ",
  " ",
  "=",
  ";",
  "&&",
  "|",
  "\n",
  "\r\n",
  "\t",
  "$(id)",
  "`id`",
  "'",
  '"',
  "\\",
  ">",
  "<",
  "\0",
  "&",
  "#",
];

const joined = fc
  .array(fc.tuple(fc.constantFrom(...words), fc.constantFrom(...glue)), { minLength: 1, maxLength: 7 })
  .map((parts) => parts.map((part) => part.join("")).join(""));
const request = fc.oneof(
  { weight: 6, arbitrary: joined },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 60 }) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom("deploy ", "rollback ", "preview remove "), fc.string())
      .map((parts) => parts.join("")),
  },
);

/** Returns this many requests, the same ones for the same seed. */
export function hostileRequests(count: number, seed: number): string[] {
  return fc.sample(request, { numRuns: count, seed });
}
