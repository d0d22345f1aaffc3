import { describe, expect, test } from "bun:test";
import { mayBeFaulty } from "../../src/apt/sources.ts";
import { gatherFacts } from "../../src/engine/facts.ts";
import { sourcesReadable } from "../../src/resources/apt-readable.ts";
import { gitlabRunnerInstall } from "../../src/runner/recipe.ts";
import { fakeDebian } from "../fake-debian.ts";
import type { FakeHost } from "../fake-host.ts";

const parts = "/etc/apt/sources.list.d";
const docker = "https://download.docker.com/linux/debian";
const list = (key: string, uri = docker) => `deb [arch=amd64 signed-by=${key}] ${uri} bookworm stable\n`;
const stanza = (key: string, uri = docker) =>
  `Types: deb\nURIs: ${uri}\nSuites: bookworm\nComponents: stable\nSigned-By: ${key}\n`;

/** The error messages of apt 2.6 and 3.0. */
function conflicting(host: FakeHost, stderr: string): FakeHost {
  host.taught.unshift((argv) => (argv.includes("indextargets") ? { code: 100, stdout: "", stderr } : undefined));
  return host;
}

const signedBy = (uri = docker) =>
  `E: Conflicting values set for option Signed-By regarding source ${uri}/ bookworm: /a.gpg != /b.asc\n`;

describe("apt:sources: conflicting sources", () => {
  const asked = async (files: Record<string, string>, said = signedBy(), keys = ["/a.gpg", "/b.asc"]) => {
    const host = fakeDebian();
    for (const [name, text] of Object.entries(files)) host.put(`${parts}/${name}`, text);
    for (const key of keys) host.put(key, "");
    return sourcesReadable().check(conflicting(host, said), () => {});
  };
  const both = { "docker.list": list("/a.gpg"), "docker.sources": stanza("/b.asc") };
  const names = `apt cannot read its sources: ${parts}/docker.list and ${parts}/docker.sources name ${docker} bookworm`;

  test("apt:sources: a conflict is reported with both files, and the hint disables the one in the older format", async () => {
    expect(await asked(both)).toEqual({
      reason: `${names} with different values of Signed-By`,
      hint: ["sudo", "mv", `${parts}/docker.list`, `${parts}/docker.list.disabled`],
      code: "invalid-config",
    });
  });

  test("apt:sources: the hint disables the file whose key is missing", async () => {
    expect(await asked(both, signedBy(), ["/a.gpg"])).toMatchObject({
      hint: ["sudo", "mv", `${parts}/docker.sources`, `${parts}/docker.sources.disabled`],
    });
  });

  test("apt:sources: any conflicting option is reported, and URIs match regardless of scheme and password", async () => {
    const files = { "a.list": `deb [trusted=yes] http://u:p@download.docker.com/linux/debian/ bookworm stable\n` };
    const said = `E: Conflicting values set for option Trusted regarding source ${docker}/ bookworm\n`;
    const host = fakeDebian();
    host.put(`${parts}/a.list`, files["a.list"]);
    host.put(`${parts}/b.sources`, stanza("/b.asc"));
    const unmet = await sourcesReadable().check(conflicting(host, said), () => {});
    expect(unmet?.reason).toEndWith(
      `a.list and ${parts}/b.sources name http://download.docker.com/linux/debian/ bookworm with different values of Trusted`,
    );
  });

  test("apt:sources: the hint shows a file that also names other repositories, and does not disable it", async () => {
    const files = { "all.list": `${list("/a.gpg")}deb http://other.test x main\n`, "docker.sources": stanza("/b.asc") };
    expect(await asked(files)).toMatchObject({
      hint: ["sudo", "mv", `${parts}/docker.sources`, `${parts}/docker.sources.disabled`],
    });
    const twice = { ...files, "docker.sources": `${stanza("/b.asc")}\n${stanza("/b.asc", "http://other.test")}` };
    expect(await asked(twice)).toMatchObject({ hint: ["cat", "-n", `${parts}/docker.sources`] });
  });

  test("apt:sources: an unparsable entry is reported in apt's words, with its file", async () => {
    const host = fakeDebian();
    const stderr = `E: Malformed entry 1 in list file ${parts}/bad.list (Component)\nE: The list of sources could not be read.\n`;
    expect(await sourcesReadable().check(conflicting(host, stderr), () => {})).toEqual({
      reason: `apt cannot read its sources: Malformed entry 1 in list file ${parts}/bad.list (Component)`,
      hint: ["cat", "-n", `${parts}/bad.list`],
      code: "invalid-config",
    });
  });
});

describe("runner.install: a conflict with GitLab Runner's repository", () => {
  const uri = "https://packages.gitlab.com/runner/gitlab-runner/debian";
  const unmet = async (host: FakeHost) => {
    const step = gitlabRunnerInstall(gatherFacts(host)).steps.find(({ id }) => id === "runner.install");
    const requirement = step?.requires?.find(({ name }) => name === "apt:sources");
    return requirement?.check(host, () => {});
  };

  test("runner.install: an older source that the step migrates is no obstacle", async () => {
    const host = conflicting(fakeDebian(), signedBy(uri));
    host.put(`${parts}/runner_gitlab-runner.list`, list("/a.gpg", uri));
    host.put(`${parts}/runner_gitlab-runner.sources`, stanza("/b.asc", uri));
    expect(await unmet(host)).toBeNull();
    expect(await sourcesReadable().check(host, () => {})).toMatchObject({
      hint: ["sudo", "mv", `${parts}/runner_gitlab-runner.list`, `${parts}/runner_gitlab-runner.list.disabled`],
    });
  });
});

test("apt:sources: a full disk, on which apt cannot read anything, is not reported as a source error", async () => {
  const said = "E: Could not create temporary file for /var/cache/apt/srcpkgcache.bin - mkstemp (28: No space left)\n";
  expect(await sourcesReadable().check(conflicting(fakeDebian(), said), () => {})).toBeNull();
});

describe("apt:sources: doctor runs apt only if a source is unusual", () => {
  const usual: [string, string][] = [
    ["a.list", "# deb http://old.test x main\n\n  deb http://a.test/debian bookworm main contrib\n"],
    ["a.list", "deb [arch=amd64 signed-by=/usr/share/keyrings/a.gpg] https://a.test/debian stable main # why\n"],
    ["a.list", "deb file:/srv/repo ./\n"],
    ["a.sources", stanza("/a.asc")],
    [
      "a.sources",
      `# where from\n${stanza("/a.asc").replace("deb\n", "deb deb-src\n")}\n\n${stanza("", "https://b.test")}`,
    ],
    ["a.sources", ""],
    ["a.bak", "bogus"],
  ];
  const odd: [string, string][] = [
    ["a.list", "blah blah\n"],
    ["a.list", "deb http://a.test/debian bookworm\n"],
    ["a.list", "deb [arch] http://a.test/debian bookworm main\n"],
    ["a.list", "deb http://deb.test/debian bookworm main\n"],
    ["a.list", "deb https://deb.test/debian/ bookworm contrib\n"],
    ["a.sources", "Types: deb\nSuites: bookworm\nComponents: main\n"],
    ["a.sources", "blah\n"],
    ["a.sources", stanza("/a.asc").replace("Types: deb", "Types: dep")],
  ];
  for (const [expected, rows] of [
    [false, usual],
    [true, odd],
  ] as const) {
    for (const [name, text] of rows) {
      test(`mayBeFaulty: ${JSON.stringify(text)} in ${name} is ${expected}`, () => {
        const host = fakeDebian();
        host.put(`${parts}/${name}`, text);
        expect(mayBeFaulty(host)).toBe(expected);
      });
    }
  }
});
