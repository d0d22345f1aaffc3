// What the program answers to the completion scripts.

import { afterEach, expect, test } from "bun:test";
import { root } from "../../src/cli/cli.ts";
import type { Command } from "../../src/cli/command.ts";
import type { Trees } from "../../src/host/trees.ts";
import type { FakeHost } from "../fake-host.ts";
import { answerTo, completionHost, hostile } from "./completion-host.ts";
import { typed, variables } from "./typed.ts";

afterEach(() => {
  delete variables.COLUMNS;
});

async function answer(line: string, host?: FakeHost, trees?: Trees) {
  const { exit, out, err } = await answerTo(line.split(" "), host, trees);
  expect([exit, err]).toEqual([0, ""]);
  const [kind, ...lines] = out.slice(0, -1).split("\n");
  return { kind, lines, words: lines.map((each) => each.replace(/\t.*/, "")) };
}

const words = async (line: string) => (await answer(line)).words;

test("completion: the program, groups and commands offer their commands, with the descriptions of the help", async () => {
  const { kind, lines } = await answer("");
  expect(kind).toBe(":words");
  expect(lines).toContain("project\tPublish and manage documentation sites");
  expect(await words("")).toEqual(expect.arrayContaining(["bootstrap", "doctor", "help", "version"]));
  expect(await words("project backups ")).toEqual(["list", "prune", "docs", "wiki", hostile, "old"]);
  expect(await words("nosuch ")).toEqual([]);
});

test("completion: the hidden word is not offered", async () => {
  for (const line of ["", "_", "__"]) expect(await words(line)).not.toContain("__complete");
});

test("completion: an alias is offered after its first letter, and is the command that it stands for", async () => {
  expect(await words("project ")).not.toContain("rm");
  expect(await words("project r")).toContain("rm");
  expect(await words("project rm ")).toEqual(await words("project remove "));
});

test("completion: help offers commands only", async () => {
  expect(await words("help ")).toContain("project");
  expect(await words("help ")).not.toContain("help");
  expect(await words("help project ba")).toContain("backups");
  expect(await words("help project backups ")).toEqual(["list", "prune"]);
  expect(await words("help project show ")).toEqual([]);
  expect(await words("help project show -")).toEqual([]);
});

test("completion: flags are offered once, repeatable ones again, and no other form of a typed one", async () => {
  const all = await words("bootstrap --");
  expect(all).toEqual(expect.arrayContaining(["--dry-run", "--yes", "--json", "--json=lines", "--help"]));
  const others = (...typed: string[]) => all.filter((flag) => !typed.includes(flag));
  expect(await words("bootstrap -n --")).toEqual(others("--dry-run"));
  expect(await words("bootstrap -nq --")).toEqual(others("--dry-run", "--quiet"));
  expect(await words("bootstrap --json=lines --")).toEqual(others("--json", "--json=lines"));
  expect(await words("bootstrap --only=x --skip y --")).toEqual(others("--only", "--skip"));
  expect(await words("bootstrap --json=")).toContain("--json=lines");
  expect(await words("project update docs --alias a --domain b -")).toContain("--alias");
  expect(await words("project update docs --alias a --domain b -")).not.toContain("--domain");
});

test("completion: flags are offered where no word fits, and none after --", async () => {
  expect(await words("bootstrap ")).toContain("--dry-run");
  expect(await words("bootstrap x")).toEqual([]);
  expect(await words("project add ")).toEqual([]);
  expect(await words("project add docs ")).toContain("--domain");
  expect(await words("bootstrap -- ")).toEqual([]);
  expect(await words("project show -- ")).toContain("docs");
});

test("completion: choices are offered in both forms of a flag, and after its short form", async () => {
  expect(await words("completions ")).toEqual(["bash", "zsh", "fish"]);
  expect(await words("bundle create --arch ")).toEqual(["amd64", "arm64"]);
  expect(await words("bundle create --arch=a")).toEqual(["--arch=amd64", "--arch=arm64"]);
  expect((await answer("bundle create -o ")).kind).toBe(":files");
  expect((await answer("bundle create -o=x")).kind).toBe(":files");
});

test("completion: files and directories are left to the shell", async () => {
  for (const line of ["bootstrap --bundle ", "bootstrap --bundle=x", "bundle show ", "project deploy docs --source "]) {
    expect(await answer(line)).toEqual({ kind: ":files", lines: [], words: [] });
  }
  expect(await answer("project update docs --root-path ")).toEqual({ kind: ":directories", lines: [], words: [] });
  const { kind, words } = await answer("gitlab-runner register --profile ");
  expect({ kind, words }).toEqual({ kind: ":files", words: ["ci", "ci-rootless"] });
});

test("completion: slugs are offered with their domains, and not where a new one is required", async () => {
  const { lines } = await answer("project show ");
  expect(lines).toEqual(["docs\tdocs.test", "wiki\twiki.test", `${hostile}\tinvalid record`, "old\tinvalid record"]);
  expect(await words("project add ")).not.toContain("docs");
  expect(await words("project show docs ")).not.toContain("wiki");
  expect(await words("project show --json ")).toContain("docs");
});

test("completion: the backups of the typed project are offered, newest first, with age and size", async () => {
  const { lines } = await answer("project restore docs --backup ");
  expect(lines).toEqual([
    "20270115T070000Z\t1 hour ago, 2.0 MiB",
    "20270114T080000Z\t1 day ago, 2.0 MiB",
    "20261201T000000Z\t45 days ago, 2.0 MiB",
  ]);
  expect(await words("project rollback --yes wiki --backup=")).toEqual(["--backup=20270110T080000Z"]);
  for (const slug of ["none", "../docs", "..", "/"])
    expect(await words(`project restore ${slug} --backup `)).toEqual([]);
  expect(await words("project restore --backup ")).toEqual([]);
});

test("completion: the previews of the typed project are offered with their branches", async () => {
  const host = completionHost();
  const dir = "/var/www/docs/.edox-ops-previews/docs";
  for (const name of ["fix-7", "bad"]) host.dir(`${dir}/-/${name}`);
  const times = { created: "2027-01-01T00:00:00Z", expires: "2027-01-20T00:00:00Z" };
  host.put(`${dir}/fix-7.json`, JSON.stringify({ ...times, branch: "feature/x", key: null }), { mode: 0o600 });
  host.put(`${dir}/bad.json`, "{");
  for (const line of ["project previews remove docs ", "project deploy docs --preview "]) {
    expect([line, (await answer(line, host)).lines]).toEqual([line, ["bad\t", "fix-7\tfeature/x"]]);
  }
  for (const slug of ["none", "../docs", "/"]) expect(await words(`project previews remove ${slug} `)).toEqual([]);
});

test("completion: the deploy keys of the typed project are offered with their fingerprints", async () => {
  const host = completionHost();
  const key = (project: string, name: string) => {
    const blob = Buffer.concat([Buffer.from("\0\0\0\x0bssh-ed25519\0\0\0 "), Buffer.alloc(32, name)]);
    const public_key = `ssh-ed25519 ${blob.toString("base64")}`;
    return { project, name, public_key, fingerprint: `SHA256:${name}`, max_size: 1, max_files: 1, rate: 1 };
  };
  const keys = [key("docs", "ci"), key("docs", "previews"), key("wiki", "other")];
  const path = "/etc/edox-ops/deploy-keys.json";
  host.put(path, JSON.stringify({ program: "/usr/local/bin/edox-ops", keys }), { mode: 0o600 });
  expect((await answer("project key remove docs ", host)).lines).toEqual([
    "ci\tSHA256:ci",
    "previews\tSHA256:previews",
  ]);
  for (const slug of ["none", "../docs", "/"]) expect(await words(`project key remove ${slug} `)).toEqual([]);
  host.put(path, "{", { mode: 0o600 });
  expect((await answer("project key remove docs ", host)).lines).toEqual([]);
});

test("completion: a tree that cannot be read, or that is large, has no size", async () => {
  const broken = { walk: () => expect.unreachable() } as unknown as Trees;
  const { lines } = await answer("project restore wiki --backup ", undefined, broken);
  expect(lines).toEqual(["20270110T080000Z\t5 days ago"]);
  const endless = {
    *walk() {
      while (true) yield { path: "x", type: "file", size: 1 };
    },
  } as unknown as Trees;
  // It would not end without a limit.
  expect((await answer("project restore docs --backup ", undefined, endless)).lines).toEqual([
    "20270115T070000Z\t1 hour ago",
    "20270114T080000Z\t1 day ago",
    "20261201T000000Z\t45 days ago",
  ]);
});

test("completion: the steps of the typed command are offered, and each once in a list", async () => {
  const steps = await words("bootstrap --only ");
  expect(steps).toEqual(expect.arrayContaining(["packages.install", "nginx.prepare"]));
  const others = steps.filter((step) => step !== "nginx.prepare").map((step) => `nginx.prepare,${step}`);
  expect(await words("bootstrap --only nginx.prepare,")).toEqual(others);
  expect(await words("bootstrap --skip=nginx.prepare,pack")).toEqual(others.map((step) => `--skip=${step}`));
  expect(await words("bootstrap --fail-step ")).toEqual(steps);
  expect(await words("project certs issue docs --only ")).toContain("certs.site");
});

test("completion: every command that selects steps has steps to offer", async () => {
  const found: string[] = [];
  const visit = async (command: Command, path: string): Promise<void> => {
    for (const [name, load] of Object.entries(command.subCommands ?? {})) await visit(await load(), `${path}${name} `);
    const takers = Object.entries(command.args ?? {}).filter(([, { completes }]) => completes === "step");
    for (const [flag] of takers) {
      const slug = path.startsWith("project certs") ? "docs " : "";
      found.push(flag);
      expect([path, (await words(`${path}${slug}--${flag} `)).length]).not.toEqual([path, 0]);
    }
  };
  await visit(root, "");
  expect(found).toContain("fail-step");
});

test("completion: runners and certificates are offered", async () => {
  const { lines } = await answer("gitlab-runner unregister ");
  expect(lines).toEqual(
    ["edox-ops CI runner", "arm:64", hostile].map((name) => `${name}\tdocker, https://gitlab.test`),
  );
  expect(await words("gitlab-runner prepare-ci-host --runner arm:64,")).toEqual([
    "arm:64,edox-ops CI runner",
    `arm:64,${hostile}`,
  ]);
  expect((await answer("certs renew --name ")).lines).toEqual([
    "docs.test\texpires 2027-04-01 00:00 UTC",
    "wiki.test\texpires 2027-04-01 00:00 UTC",
  ]);
});

test("completion: without permission nothing is offered and nothing reported", async () => {
  const host = completionHost(1000);
  for (const path of ["/etc/edox-ops", "/etc/gitlab-runner", "/etc/letsencrypt", "/var/www/docs/.edox-ops-backups"]) {
    host.hidden.add(path);
  }
  for (const line of [
    "project update ",
    "project restore docs --backup ",
    "gitlab-runner unregister ",
    "certs renew --name ",
  ]) {
    const { kind, words } = await answer(line, host);
    expect({ line, kind, words }).toEqual({ line, kind: ":words", words: [] });
  }
});

const unfit: [string, string][] = [
  ["damaged", "{"],
  ["no object", "[]"],
  ["too large", `{${" ".repeat(1024 * 1024)}}`],
];
for (const [name, content] of unfit) {
  test(`completion: state files that are ${name} offer nothing`, async () => {
    const host = completionHost();
    host.put("/etc/edox-ops/projects.json", content);
    host.put("/etc/gitlab-runner/config.toml", content);
    for (const line of ["project update ", "gitlab-runner unregister "]) {
      expect((await answer(line, host)).words).toEqual([]);
    }
  });
}

test("completion: a name that cannot be typed as it is printed is not offered", async () => {
  const host = completionHost();
  const name = (text: string): string => `[[runners]]\nname = ${JSON.stringify(text)}\n`;
  host.put("/etc/gitlab-runner/config.toml", ["a\nb", "a\tb", "\u001b[31m", "", "-x", "a,b"].map(name).join(""));
  expect((await answer("gitlab-runner unregister ", host)).words).toEqual(["a,b"]);
  expect((await answer("gitlab-runner prepare-ci-host --runner ", host)).words).toEqual([]);
});

test("completion: nothing on the host is changed, and no program runs", async () => {
  const host = completionHost();
  const before = host.state();
  for (const line of ["project show ", "bootstrap --only ", "certs renew --name "]) await answer(line, host);
  expect([host.state(), host.ran, host.asked]).toEqual([before, [], []]);
});

test("completion: a person who types the hidden word gets the error of an unknown command", async () => {
  variables.COLUMNS = "80";
  for (const line of ["__complete", "__complete project"]) {
    const { exit, out, err } = await typed(line);
    expect([exit, out]).toEqual([2, ""]);
    expect(err).toContain("unknown command '__complete'");
  }
  delete variables.COLUMNS;
  expect((await typed("__complete")).exit).toBe(2);
  expect((await typed("--help")).out).not.toContain("__complete");
});
