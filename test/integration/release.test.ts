// A release from a clean clone, from its tag to a host that has it. One command bumps, tags, builds and signs it. It is
// published to a stand-in for GitLab, installed like the pipeline and like any user, by apt as well, and updated.

import { afterAll, beforeAll, expect, test } from "bun:test";
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import { type Keys, makeKeys, sha256 } from "../install/release.ts";
import { GitlabReleases } from "../stand-in/gitlab-releases.ts";
import { type CiServer, leadsSuffix, standsFor } from "./ci-server.ts";
import { cloneInto } from "./clone.ts";
import { soak } from "./rounds.ts";
import { must } from "./run.ts";
import { TestHost } from "./test-host.ts";

const dir = mkdtempSync(`${tmpdir()}/edox-tagged-`);
const clone = `${dir}/clone`;
const assets = `${clone}/dist/release`;
/** The files at the address of the project, as seen by a host. */
const served = `${dir}/served`;
const project = "https://gateway/group/edox-ops";
const token = "job-token-canary";
const program = "/usr/local/bin/edox-ops";
let keys: Keys;
let version: string;
let gitlab: GitlabReleases;
let host: TestHost;
let server: CiServer;

beforeAll(() => {
  cloneInto(clone);
  keys = makeKeys(dir);
  mkdirSync(served);
});
afterAll(async () => {
  server?.[Symbol.dispose]();
  host?.down();
  await gitlab?.[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

/** Runs an npm script in the clone, with the variables of a job on this tag. */
async function job(...words: string[]): Promise<{ code: number; said: string }> {
  const child = Bun.spawn(["npm", "run", "--silent", ...words], {
    cwd: clone,
    env: {
      ...process.env,
      EDOX_RELEASES_URL: `${project}/-/releases`,
      EDOX_SIGNING_KEY: readFileSync(keys.secret).toString("base64"),
      CI_COMMIT_TAG: `v${version}`,
      CI_PROJECT_ID: gitlab?.id ?? "",
      CI_API_V4_URL: gitlab?.api ?? "",
      CI_JOB_TOKEN: token,
    },
    stdout: "pipe",
    stderr: "pipe",
    stdin: "ignore",
  });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { code, said: out + err };
}

/** Serves what the stand-in received, at GitLab's addresses. */
function serve(): void {
  for (const [path, bytes] of gitlab.files) write(`/api/v4/projects/7/packages/generic/edox-ops/${path}`, bytes);
  const { links = [] } = gitlab.releases.get(`v${version}`) ?? {};
  // Like GitLab, the permanent address redirects to that of the tag, and that one to the registry.
  const lead = (path: string, to: string) => write(`${path}${leadsSuffix}`, Buffer.from(to));
  for (const { url, direct_asset_path } of links) {
    const at = (place: string) => `/group/edox-ops/-/releases/${place}/downloads${direct_asset_path}`;
    lead(at("permalink/latest"), `https://gateway${at(`v${version}`)}`);
    lead(at(`v${version}`), `https://gateway${new URL(url).pathname}`);
  }
}

function write(path: string, bytes: Uint8Array): void {
  mkdirSync(dirname(`${served}${path}`), { recursive: true });
  writeFileSync(`${served}${path}`, bytes);
}

test("release: the next version is proposed, written, committed and tagged", async () => {
  const git = (...words: string[]) => must(["git", "-C", clone, ...words]);
  for (const [key, value] of Object.entries({ "user.name": "a", "user.email": "a@example.org" }))
    git("config", key, value);
  appendFileSync(`${clone}/build/release-keys.pem`, keys.publicKey);
  git("commit", "--quiet", "--all", "--message", "chore: the key of the releases");
  const { code, said } = await job("release:bump", "--", "--yes", "--tag");
  ({ version } = (await Bun.file(`${clone}/package.json`).json()) as { version: string });
  expect([code, said]).toEqual([0, expect.stringContaining(`-> ${version}, committed and tagged`)]);
  expect(git("describe", "--exact-match")).toBe(`v${version}\n`);
}, 120_000);

test("release: an untrusted key and a tag of another version are refused", async () => {
  const [own, right] = [keys, version];
  keys = makeKeys(dir);
  expect((await job("release:assets")).said).toContain("build/release-keys.pem does not have the public key");
  keys = own;
  version = "9.9.9";
  expect((await job("release:assets")).said).toContain(`the tag v9.9.9 is not v${right}`);
  version = right;
}, 120_000);

test("release: one command builds all assets, reproduces the programs of another build, and signs them as documented", async () => {
  expect((await job("build")).code).toBe(0);
  cpSync(`${clone}/dist/SHA256SUMS`, `${dir}/of-another-build`);
  // Without the flag, most of the time of this file is that of xz.
  const flags = soak ? [] : ["--quick"];
  const { said } = await job("release:assets", "--", ...flags, `${dir}/of-another-build`);
  expect(said).toContain(`files of edox-ops ${version}`);
  const names = readdirSync(assets);
  for (const target of ["linux-x64", "linux-arm64"]) {
    expect(names).toEqual(expect.arrayContaining([`edox-ops-${target}`, `edox-ops-${target}.gz`]));
    expect(sha256(`${assets}/edox-ops-${target}`)).toBe(sha256(`${clone}/dist/${target}/edox-ops`));
  }
  const verify = `cd ${assets} && openssl dgst -sha256 -verify ${clone}/build/release-keys.pem -signature SHA256SUMS.sig SHA256SUMS`;
  expect(must(["sh", "-c", verify])).toBe("Verified OK\n");
  must(["sh", "-c", `cd ${assets} && sha256sum --quiet --strict --check SHA256SUMS`]);
  // All assets are listed, and nothing else is.
  const listed = readFileSync(`${assets}/SHA256SUMS`, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => line.slice(66));
  expect([...listed, "SHA256SUMS", "SHA256SUMS.sig"].sort()).toEqual(names.sort());
  const megabytes = (architecture: string) => statSync(`${assets}/edox-ops_${version}_${architecture}.deb`).size / 1e6;
  expect(megabytes("amd64")).toBeLessThan(soak ? 41 : 50);
  expect(megabytes("arm64")).toBeLessThan(soak ? 38 : 50);
  console.log(names.map((name) => `${name} ${(statSync(`${assets}/${name}`).size / 1e6).toFixed(1)} MB`).join(", "));
}, 900_000);

test("release: a build with different bytes is refused, and the existing assets stay", async () => {
  writeFileSync(
    `${dir}/bent`,
    readFileSync(`${dir}/of-another-build`, "utf8").replace(/^./, (digit) => (digit === "0" ? "1" : "0")),
  );
  expect((await job("release:assets", "--", `${dir}/bent`)).said).toContain("two builds of this commit differ");
}, 120_000);

test("release: the candidate is published, and a fresh host without a runtime installs it", async () => {
  gitlab = new GitlabReleases(token, [`v${version}`]);
  const count = readdirSync(assets).length;
  const { said } = await job("publish:candidate");
  expect(said).toContain(`${count} files of ${version} are in the package registry, ${count} of them new`);
  expect((await job("publish:candidate")).said).toContain("0 of them new");
  serve();
  host = await TestHost.up("trixie");
  server = await standsFor(host, served);
  host.put(`${clone}/build/smoke.sh`, "/root/smoke.sh");
  // The mode is kept, as in a job's artifacts.
  must(["cp", "-p", `${assets}/edox-ops-linux-x64`, `${host.root}/root/edox-ops-linux-x64`]);
  expect(smoke("/root/edox-ops-linux-x64")).toEqual({
    code: 0,
    stdout: `edox-ops ${version} runs here: /root/edox-ops-linux-x64\n`,
    stderr: "",
  });
  const apt = "apt-get update -qq && apt-get install -y -qq --no-install-recommends ca-certificates curl openssl";
  expect(host.sh(`DEBIAN_FRONTEND=noninteractive; ${apt}`).code).toBe(0);
  const { code, stdout, stderr } = smoke("candidate");
  expect([code, stdout]).toEqual([0, expect.stringContaining(`edox-ops ${version} runs here: ${program}\n`)]);
  expect(stderr).toContain(`/packages/generic/edox-ops/${version}/edox-ops_${version}_amd64.deb`);
  host.run(["rm", program]);
}, 300_000);

/** As the pipeline's jobs run it. */
function smoke(what: string) {
  const variables = [
    `CI_COMMIT_TAG=v${version}`,
    "CI_API_V4_URL=https://gateway/api/v4",
    "CI_PROJECT_ID=7",
    `CI_PROJECT_URL=${project}`,
  ];
  return host.run(["env", ...variables, "sh", "/root/smoke.sh", what]);
}

test("release: one click publishes it, and the permanent installation line installs it", async () => {
  expect((await job("publish:release")).said).toContain(`v${version} is released with`);
  expect((await job("publish:release")).said).toContain("0 links were missing");
  expect(gitlab.releases.get(`v${version}`)?.description).toContain("`self-update`");
  serve();
  const { code, stdout } = smoke("release");
  expect([code, stdout]).toEqual([0, expect.stringContaining(`edox-ops ${version} is the latest release\n`)]);
  expect(host.run(["sha256sum", program]).stdout.slice(0, 64)).toBe(sha256(`${assets}/edox-ops-linux-x64`));
}, 120_000);

test("smoke: a program of another version, and a runtime that would hide a fault, are detected", () => {
  host.sh("printf '#!/bin/sh\\necho 0.0.1\\n' >/root/other && chmod +x /root/other");
  expect(smoke("/root/other")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`says that it is 0.0.1, not ${version}`),
  });
  host.sh("ln -s /bin/true /usr/bin/node");
  expect(smoke(program)).toMatchObject({ code: 1, stderr: expect.stringContaining("node is here") });
  host.run(["rm", "/usr/bin/node"]);
});

test("install: apt's package and the installer's program detect each other", () => {
  const deb = `edox-ops_${version}_amd64.deb`;
  host.put(`${assets}/${deb}`, `/root/${deb}`);
  host.put(`${assets}/install.sh`, "/root/install.sh");
  const both = host.sh(`apt-get install -y -qq /root/${deb} 2>&1`);
  expect([both.code, both.stdout]).toEqual([
    0,
    expect.stringContaining(`edox-ops: ${program} is there too, and a shell finds that`),
  ]);
  expect(host.run([program, "uninstall", "--yes"]).code).toBe(0);
  expect(host.sh("edox-ops --version; command -v edox-ops").stdout).toBe(`${version}\n/usr/bin/edox-ops\n`);
  for (const [line, said] of [
    ["edox-ops self-update --rollback", "error: apt owns /usr/bin/edox-ops\nhint: apt-get install ./edox-ops_"],
    ["edox-ops uninstall --yes", "error: apt owns /usr/bin/edox-ops\nhint: apt-get remove edox-ops\n"],
    ["sh /root/install.sh", "error: the Debian package edox-ops is installed here, apt owns it\n"],
  ] as const) {
    expect(host.sh(line)).toMatchObject({ code: 1, stderr: expect.stringContaining(said) });
  }
  expect(host.sh("ls /usr/share/bash-completion/completions/edox-ops").code).toBe(0);
  expect(host.sh("apt-get remove -y -qq edox-ops").code).toBe(0);
  expect(host.sh("sh /root/install.sh && edox-ops --version").stdout).toEndWith(`${version}\n`);
}, 120_000);
