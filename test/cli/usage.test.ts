// The hint of a wrong command line is the corrected line.

import { describe, expect, test } from "bun:test";
import { typed } from "./typed.ts";

describe("usage error", () => {
  const corrected: [line: string, message: string, hint: string][] = [
    ["project deploy docs --dryrun", "unknown flag --dryrun, did you mean --dry-run?", "project deploy docs --dry-run"],
    ["project deploy docs --kepe=3", "unknown flag --kepe, did you mean --keep?", "project deploy docs --keep=3"],
    ["host ssh harden --yes", "unknown command 'ssh', did you mean host ssh-harden?", "host ssh-harden --yes"],
    ["project check links docs", "did you mean project check-links?", "project check-links docs"],
    ["self update", "unknown command 'self', did you mean self-update?", "self-update"],
    ["projct list", "unknown command 'projct', did you mean project?", "project list"],
    [
      "project publsh docs public --domain a.test",
      "did you mean publish?",
      "project publish docs public --domain a.test",
    ],
    ["help projetc", "did you mean project?", "project --help"],
    ["certs issue demo", "unknown command 'issue', did you mean project certs issue?", "project certs issue demo"],
    ["deploy docs public", "unknown command 'deploy', did you mean project deploy?", "project deploy docs public"],
    ["project renew", "unknown command 'renew', did you mean certs renew?", "certs renew"],
    ["pulish docs", "unknown command 'pulish', did you mean project publish?", "project publish docs"],
    ["project rene", "unknown command 'rene', did you mean certs renew?", "certs renew"],
    ["rolback docs", "unknown command 'rolback', did you mean project rollback?", "project rollback --help"],
    ["install", "unknown command 'install', did you mean bootstrap?", "bootstrap"],
    ["backup snapshots", "unknown command 'snapshots', did you mean backup list?", "backup list"],
    ["backup now --json", "unknown command 'now', did you mean backup run?", "backup run --json"],
    ["backup show", "unknown command 'show', did you mean backup status?", "backup status"],
    ["backup prune", "unknown command 'prune', did you mean backup enable?", "backup enable"],
    ["watch list", "unknown command 'list', did you mean watch status?", "watch status"],
    ["snapshots", "unknown command 'snapshots', did you mean backup list?", "backup list"],
    ["status --quiet", "unknown command 'status', did you mean doctor?", "doctor --quiet"],
    [
      "project install",
      "unknown command 'install', did you mean gitlab-runner install or certs install?",
      "project --help",
    ],
    ["bundle create --with host", "--output is missing", "bundle create --with host --output FILE"],
    ["--json doctor", "--json must follow the command", "doctor --json"],
    ["project --dry-run deploy docs", "--dry-run must follow the command", "project deploy docs --dry-run"],
    ["project deploy --dry-run", "a slug is missing", "project deploy SLUG --dry-run"],
    ["completions", "a shell is missing: bash, zsh, fish", "completions bash"],
    ["completions bsh", "unknown shell 'bsh', did you mean bash?", "completions bash"],
    ["bootstrap --fail-step --dry-run", "--fail-step needs a value", "bootstrap --fail-step STEP --dry-run"],
    ["bootstrap --only", "--only needs a value", "bootstrap --only STEP"],
    ["bootstrap --only= -n", "--only needs a value, not an empty one", "bootstrap --only STEP -n"],
    ["bootstrap --dry-run=no", "--dry-run takes no value: use --dry-run", "bootstrap --dry-run"],
    ["doctor --json=lines", "--json takes no value: use --json", "doctor --json"],
    ["bootstrap --json=line -n", "unknown --json=line: use --json or --json=lines", "bootstrap --json -n"],
    ["--version --json", "--version is used alone", "--version"],
    ["project list --version", "--version is used alone", "--version"],
    ["version please", "version is used alone", "--version"],
  ];
  for (const [line, message, hint] of corrected) {
    test(`'${line}': the hint is '${hint}'`, async () => {
      const { exit, out, err } = await typed(line);
      expect(exit).toBe(2);
      if (out !== "") {
        const { error } = JSON.parse(out);
        expect([error.message, error.hint.join(" ")]).toEqual([expect.stringContaining(message), `edox-ops ${hint}`]);
        return;
      }
      expect(err.trimEnd().split("\n")).toEqual([expect.stringContaining(message), `hint: edox-ops ${hint}`]);
    });
  }

  const withHelp: [line: string, hint: string][] = [
    ["project remvoe docs", "project remove --help"],
    ["remove docs", "project remove --help"],
    ["bootstrap --yse", "bootstrap --help"],
    ["project remove docs --delete-file", "project remove --help"],
    ["bootstrap --yes=no", "bootstrap --help"],
    ["bootstrap --only a --only b", "bootstrap --help"],
    // The rest of the line is wrong as well.
    ["project deploy docs --dryrun --wiat 5m", "project deploy --help"],
    ["status docs", "doctor --help"],
    ["deploy", "project deploy --help"],
    ["projct lst", "project --help"],
    ["--dry-rn project deploy docs", "project deploy --help"],
  ];
  for (const [line, hint] of withHelp) {
    test(`'${line}': the hint suggests nothing destructive and no other wrong line, but '${hint}'`, async () => {
      const { exit, err } = await typed(line);
      expect([exit, err.split("\n")[1]]).toEqual([2, `hint: edox-ops ${hint}`]);
    });
  }

  const secret = "password-of-a-person";
  for (const line of [
    `gitlab-runner register --url https://gitlab.test --tokn ${secret}`,
    `gitlab-runner register --url https://gitlab.test --tokn=${secret}`,
    `gitlab-runner registr --url https://gitlab.test --token ${secret}`,
    `gitlab-runner register --exector shell --token ${secret}`,
    `gitlab-runner register --exector shell --tken ${secret}`,
    `gitlab-runner --token=${secret} register`,
    `register --token ${secret} --profil ci`,
    `gitlab-runner registr --url https://gitlab.test --tokn ${secret}`,
    `gitlab-runner --tokn=${secret} register`,
    `gitlab-runer register --url https://gitlab.test --tokn=${secret}`,
    `register ${secret} --url https://gitlab.test`,
  ]) {
    test(`'${line.replace(secret, "SECRET")}': the hint does not repeat the token`, async () => {
      const { exit, out, err } = await typed(line);
      expect([exit, out]).toEqual([2, ""]);
      expect(err).not.toContain(secret);
      expect(err).toContain("\nhint: edox-ops gitlab-runner register ");
    });
  }

  test("a misspelled role or profile is corrected in its flag", async () => {
    const create = await typed("bundle create --suite trixie --arch amd64 --with host,dokcer -o a.tar");
    expect(create.err).toContain(
      "hint: edox-ops bundle create --suite trixie --arch amd64 --with host,docker -o a.tar\n",
    );
    const register = await typed("gitlab-runner register --url https://gitlab.test --token - --profile cii");
    expect(register.err).toContain("--token - --profile ci\n");
  });
});

describe("help", () => {
  test("-h and --help may be anywhere before --", async () => {
    const expected = await typed("project deploy --help");
    expect(expected.exit).toBe(0);
    for (const line of [
      "-h project deploy",
      "project --help deploy docs",
      "project deploy docs --keep 3 -h",
      "help project deploy",
      "project help deploy",
    ]) {
      expect(await typed(line)).toEqual(expected);
    }
    expect((await typed("project deploy docs -- -h")).out).not.toContain("Usage");
  });

  test("a group without a subcommand prints its help on stderr and exits with 2", async () => {
    for (const group of ["project", "project certs", "certs", "gitlab-runner", "nginx", "bundle"]) {
      const { out } = await typed(`${group} --help`);
      expect(await typed(group)).toEqual({ exit: 2, out: "", err: out });
    }
  });

  test("a flag may precede the argument of a group's default subcommand", async () => {
    expect(await typed("project backups --json docs")).toEqual(await typed("project backups list docs --json"));
    expect((await typed("project backups --json list docs")).out).toContain('"--json must follow the command"');
  });

  test("self-update keeps its own flag --version", async () => {
    expect((await typed("self-update --version")).err).toContain("--version needs a value");
  });
});

describe("the source of a deploy", () => {
  test("is a word or a flag, but not both", async () => {
    for (const command of ["deploy docs", "publish docs --domain docs.test"]) {
      const { exit, err } = await typed(`project ${command} one --source two`);
      expect([exit, err.split("\n")[0]]).toEqual([2, "error: 'one' and --source are mutually exclusive"]);
      const bundled = await typed(`project ${command} one --bundle two.tar`);
      expect(bundled.err).toContain("cannot be used together");
    }
  });
});
