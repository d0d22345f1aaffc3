// The jobs that `project ci` prints: their text, and which of them each event runs.

import { beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { parse } from "yaml";
import { generators } from "../../src/sites/ci/build-job.ts";
import { serveDemo, typed, typedWords } from "../cli/typed.ts";
import { fakeDebian } from "../fake-debian.ts";
import { type FakeHost, ok } from "../fake-host.ts";
import { isIncluded, type Rule, type Variables, variablesFromRules } from "../pipeline/rules.ts";

const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGhvc3Q";
const include = `${import.meta.dir}/../../ci/edox-ops.gitlab-ci.yml`;

interface Job {
  rules: Rule[];
  extends?: string;
  script: string[];
  environment?: Record<string, string>;
  retry?: unknown;
  only?: unknown;
}
type Pipeline = Record<string, Job> & { variables: Record<string, string> };

let host: FakeHost;
let ports: string;
let socket: string;
beforeEach(async () => {
  host = await serveDemo(fakeDebian());
  host.put("/etc/ssh/ssh_host_rsa_key.pub", "ssh-rsa AAAAB3NzaC1yc2E= root@demo\n");
  host.put("/etc/ssh/ssh_host_ed25519_key.pub", `${key} root@demo\n`);
  [ports, socket] = ["port 22\n", "ActiveState=inactive\n"];
  host.taught.unshift((argv) => {
    if (argv.join(" ") === "sshd -T") return ok(ports);
    if (argv.at(-1) === "ssh.socket") return ok(socket);
    return undefined;
  });
});

async function printed(flags = ""): Promise<Pipeline> {
  const { exit, out, err } = await typed(`project ci demo${flags}`, host);
  expect({ exit, err }).toEqual({ exit: 0, err: "" });
  return parse(out);
}

const variablesOf = async (flags = "") => (await printed(flags)).variables;

describe("project ci:", () => {
  test("prints the variables, the build and the deploy jobs, at a terminal as in a pipe", async () => {
    expect((await typed("project ci demo --generator mkdocs --output site", host)).out).toMatchSnapshot();
  });

  test("prints the jobs of the file that projects can include, byte for byte", async () => {
    const { out } = await typed("project ci demo", host);
    expect(out).toEndWith(`\n${await Bun.file(include).text()}`);
  });

  test("--json has the text, the variables and the line of the host key", async () => {
    const { out } = await typed("project ci demo", host);
    const { ci } = JSON.parse((await typed("project ci demo --json", host)).out);
    expect(ci).toEqual({ known_hosts: `demo.test ${key}`, variables: await variablesOf(), pipeline: out });
  });

  test.each(generators)(
    "--generator %s: a job builds the site into the directory that the deploy reads",
    async (name) => {
      const { variables, build } = await printed(` --generator ${name} --output site/html`);
      expect(variables.EDOX_OPS_SITE).toBe("site/html");
      expect(build?.extends).toBe(".edox-ops-build");
      expect(build?.script.at(-1)).toContain("$EDOX_OPS_SITE");
    },
  );

  test("changes nothing on the host, and needs no log or lock", async () => {
    const before = host.listing();
    await printed();
    expect(host.listing()).toEqual(before);
  });

  test("a site over HTTPS has an HTTPS address", async () => {
    expect((await variablesOf()).EDOX_OPS_URL).toBe("http://demo.test/");
    host.put(
      "/etc/edox-ops/projects.json",
      (host.text("/etc/edox-ops/projects.json") ?? "").replace('"tls": false', '"tls": true'),
    );
    expect((await variablesOf()).EDOX_OPS_URL).toBe("https://demo.test/");
  });

  for (const [flag, value] of [
    ["--output", "/srv/site"],
    ["--output", "../site"],
    ["--output", "a/../b"],
    ["--output", "."],
    ["--output", "a b"],
    ["--output", "$(id)"],
    ["--generator", "hugo"],
    ["--generator", "MkDocs"],
    ["--host", "a b"],
    ["--host", "-oProxyCommand=id"],
    ["--host", "user@docs.example.org"],
    ["--host", "[2001:db8::1]"],
  ] as const) {
    test(`${flag} ${value}: is refused`, async () => {
      const { exit, out, err } = await typedWords(["project", "ci", "demo", `${flag}=${value}`], host);
      expect([exit, out, err]).toEqual([2, "", expect.stringContaining(`'${value}' for ${flag}: `)]);
    });
  }
});

describe("project ci, the path at which the site is served:", () => {
  test("a preview below a path of the site is built for that path, and one with a name of its own is not", async () => {
    const record = (previews: string) => {
      const { demo } = JSON.parse(host.text("/etc/edox-ops/projects.json") ?? "");
      host.put("/etc/edox-ops/projects.json", JSON.stringify({ demo: { ...demo, previews } }), { mode: 0o600 });
    };
    record("path");
    expect((await variablesOf()).EDOX_OPS_PREVIEW_BASE).toBe("/-/$CI_COMMIT_REF_SLUG/");
    record("host");
    expect((await variablesOf()).EDOX_OPS_PREVIEW_BASE).toBe("/");
  });

  test("before the first preview, a wildcard record in the DNS decides, as it will for that preview", async () => {
    expect((await variablesOf()).EDOX_OPS_PREVIEW_BASE).toBe("/-/$CI_COMMIT_REF_SLUG/");
    const resolve = async () => ({ addresses: ["203.0.113.10"], failure: null });
    const { out } = await typed("project ci demo", { ...host, resolve });
    expect(parse(out).variables.EDOX_OPS_PREVIEW_BASE).toBe("/");
  });

  test.each([
    ["a merge request", { CI_PIPELINE_SOURCE: "merge_request_event", EDOX_OPS_PREVIEW_BASE: "/-/fix-7/" }, "/-/fix-7/"],
    ["the default branch", { CI_COMMIT_BRANCH: "main" }, "/"],
    ["a tag", { CI_COMMIT_TAG: "1.4", EDOX_OPS_VERSIONS: "true" }, "/1.4/"],
  ])("on %s the build gets it in a variable", async (_, variables, expected) => {
    const rules = (await printed())[".edox-ops-build"]?.rules ?? [];
    const given = variablesFromRules(rules, { CI_DEFAULT_BRANCH: "main", ...variables });
    expect(given.EDOX_OPS_BASE).toBe(expected);
  });
});

describe("project ci, versions:", () => {
  test.each([
    ["mkdocs", "latest"],
    ["sphinx", "latest"],
    ["none", "latest"],
    ["docusaurus", ""],
    ["vitepress", ""],
  ])("--generator %s: the alias of the last tag is '%s'", async (generator, alias) => {
    const { variables, version } = await printed(` --generator ${generator}`);
    expect(variables.EDOX_OPS_ALIAS).toBe(alias);
    const called = `edox_ops() { printf '%s ' "$@"; }; tar() { :; }; zstd() { :; }; mkdir .edox-ops; ${version?.script.join("\n")}`;
    const dir = mkdtempSync(`${tmpdir()}/edox-version-`);
    const env = { PATH: process.env.PATH, DEPLOY_KEY: "key", CI_COMMIT_TAG: "1.4", ...variables };
    Bun.spawnSync(["sh", "-euc", called], { cwd: dir, env });
    const words = readFileSync(`${dir}/.edox-ops/events.jsonl`, "utf8");
    rmSync(dir, { recursive: true });
    expect(words).toBe(`key deploy --as 1.4 ${alias && `--alias ${alias} `}--default `);
  });
});

describe("project ci, the SSH server:", () => {
  test.each([
    ["the standard port", "port 22\n", "", "demo.test", "22"],
    ["another port", "port 2222\n", "", "[demo.test]:2222", "2222"],
    ["several ports, of which one is the standard", "port 2222\nport 22\n", "", "demo.test", "22"],
    ["another port, at an address of IPv6", "port 2222\n", " --host 2001:db8::1", "[2001:db8::1]:2222", "2222"],
    ["the standard port at an address of IPv6", "port 22\n", " --host 2001:db8::1", "2001:db8::1", "22"],
    ["another name of the host", "port 22\n", " --host ssh.demo.test", "ssh.demo.test", "22"],
  ])("%s: the host key is listed as ssh looks it up", async (_, configured, flags, name, port) => {
    ports = configured;
    expect(await variablesOf(flags)).toMatchObject({ EDOX_OPS_KNOWN_HOSTS: `${name} ${key}`, EDOX_OPS_PORT: port });
  });

  test("the port of an active ssh.socket has precedence over that of the configuration", async () => {
    socket = "ActiveState=active\nListen=0.0.0.0:2222 (Stream)\nListen=[::]:2222 (Stream)\n";
    expect((await variablesOf()).EDOX_OPS_PORT).toBe("2222");
  });

  test("without a key of ed25519 the next type is used", async () => {
    host.remove("/etc/ssh/ssh_host_ed25519_key.pub");
    expect((await variablesOf()).EDOX_OPS_KNOWN_HOSTS).toBe("demo.test ssh-rsa AAAAB3NzaC1yc2E=");
  });

  test("a host without a server, or whose server is stopped, is reported with the command that fixes it", async () => {
    host.taught.unshift((argv) => {
      const stderr = "Missing privilege separation directory: /run/sshd\r\n";
      return argv[0] === "sshd" ? { code: 255, stdout: "", stderr } : undefined;
    });
    expect((await typed("project ci demo", host)).err).toBe(
      "error: the port of the SSH server is unknown: Missing privilege separation directory: /run/sshd\n" +
        "hint: systemctl start ssh\n",
    );
    for (const type of ["rsa", "ed25519"]) host.remove(`/etc/ssh/ssh_host_${type}_key.pub`);
    const { exit, err } = await typed("project ci demo", host);
    expect([exit, err]).toEqual([
      1,
      "error: this host has no SSH host key in /etc/ssh\nhint: apt-get install openssh-server\n",
    ]);
  });
});

describe("jobs of project ci on", () => {
  const keys = { DEPLOY_KEY: "/builds/key", PREVIEW_KEY: "/builds/key" };
  const merge = {
    ...{ CI_PIPELINE_SOURCE: "merge_request_event", CI_PROJECT_ID: "7", CI_MERGE_REQUEST_SOURCE_PROJECT_ID: "7" },
    PREVIEW_KEY: keys.PREVIEW_KEY,
  };
  const table: [string, Variables, string[]][] = [
    ["a merge request", merge, ["build", "preview", "stop-preview"]],
    ["a merge request without the key", { ...merge, PREVIEW_KEY: "" }, ["build"]],
    ["a merge request of a fork, in the fork", { ...merge, CI_PROJECT_ID: "8", PREVIEW_KEY: "" }, ["build"]],
    [
      "a merge request of a fork, run in this project",
      { ...merge, CI_MERGE_REQUEST_SOURCE_PROJECT_ID: "8" },
      ["build"],
    ],
    ["a merge train", { ...merge, CI_MERGE_REQUEST_EVENT_TYPE: "merge_train" }, ["build"]],
    ["a push to the default branch", { ...keys, CI_COMMIT_BRANCH: "main" }, ["build", "deploy"]],
    ["a push to the default branch of a fork", { CI_COMMIT_BRANCH: "main" }, ["build"]],
    ["a push to another branch", { ...keys, CI_COMMIT_BRANCH: "topic" }, []],
    ["a tag", { ...keys, CI_COMMIT_TAG: "1.4" }, []],
    ["a tag with versions", { ...keys, CI_COMMIT_TAG: "1.4", EDOX_OPS_VERSIONS: "true" }, ["build", "version"]],
    ["a tag with versions in a fork", { CI_COMMIT_TAG: "1.4", EDOX_OPS_VERSIONS: "true" }, ["build"]],
  ];
  test.each(table)("%s", async (_, variables, expected) => {
    const { variables: defaults, ...jobs } = await printed();
    const given = { CI_DEFAULT_BRANCH: "main", ...defaults, ...variables };
    const rulesOf = (job: Job): Rule[] => job.rules ?? jobs[job.extends ?? ""]?.rules;
    const names = Object.keys(jobs).filter((name) => !name.startsWith("."));
    expect(names.filter((name) => isIncluded(rulesOf(jobs[name] as Job), given))).toEqual(expected);
  });

  test("a merge request end with the removal of its preview: same environment, by hand, without the repository", async () => {
    const jobs = await printed();
    expect(jobs.preview?.environment).toMatchObject({ on_stop: "stop-preview", auto_stop_in: "14 days" });
    expect(jobs["stop-preview"]).toMatchObject({
      environment: { name: jobs.preview?.environment?.name, action: "stop" },
      rules: [{ if: jobs.preview?.rules[0]?.if, when: "manual", allow_failure: true }],
      needs: [],
      variables: { GIT_STRATEGY: "none" },
    });
  });

  test("no job has only, and the base job retries a busy host alone", async () => {
    const jobs = await printed();
    expect(Object.values(jobs).filter((job) => job.only !== undefined)).toEqual([]);
    expect(jobs[".edox-ops"]?.retry).toEqual({ max: 2, exit_codes: 75 });
  });
});
