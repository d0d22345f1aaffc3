// Publishing a release, tested with a stand-in for GitLab's package registry and releases that rejects what GitLab
// rejects.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { publishCandidate, publishRelease } from "../../build/publish.ts";
import { publicPem, signature } from "../../build/signature.ts";
import { GitlabReleases } from "../stand-in/gitlab-releases.ts";

const token = "job-token-canary";
const changelog = "## [Unreleased]\n\n## [1.2.3] - 2026-01-01\n\n- All.\n";
const names = ["SHA256SUMS", "SHA256SUMS.sig", "edox-ops-linux-x64", "install.sh"];
let dir: string;
let gitlab: GitlabReleases;

beforeEach(() => {
  dir = mkdtempSync(`${tmpdir()}/edox-publish-`);
  for (const name of names) writeFileSync(`${dir}/${name}`, `content of ${name}`);
  gitlab = new GitlabReleases(token, ["v1.2.3"]);
});
afterEach(async () => {
  await gitlab[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true });
});

const project = () => ({ api: gitlab.api, id: gitlab.id, token });
const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const release = () => ({ version: "1.2.3", dir, changelog, keys: `Ours.\n${publicPem(privateKey)}` });

test("publish: uploads every file once, and a second run uploads the missing ones", async () => {
  gitlab.unwell = { method: "PUT", times: 1 };
  expect(await publishCandidate(project(), release())).toBe(
    "4 files of 1.2.3 are in the package registry, 4 of them new",
  );
  expect([...gitlab.files.keys()].sort()).toEqual(names.map((name) => `1.2.3/${name}`).sort());
  gitlab.files.delete("1.2.3/install.sh");
  expect(await publishCandidate(project(), release())).toBe(
    "4 files of 1.2.3 are in the package registry, 1 of them new",
  );
});

test("publish: a published file with other content is not replaced", async () => {
  gitlab.files.set("1.2.3/install.sh", new TextEncoder().encode("another"));
  await expect(publishCandidate(project(), release())).rejects.toThrow(
    "install.sh of 1.2.3 is there already, and is another file",
  );
});

test("publish: another valid signature of the same checksums is accepted, and a foreign one is rejected", async () => {
  const signed = () => signature(privateKey, readFileSync(`${dir}/SHA256SUMS`));
  writeFileSync(`${dir}/SHA256SUMS.sig`, signed());
  await publishCandidate(project(), release());
  writeFileSync(`${dir}/SHA256SUMS.sig`, signed());
  expect(await publishCandidate(project(), release())).toContain("0 of them new");
  const foreign = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  gitlab.files.set("1.2.3/SHA256SUMS.sig", signature(foreign, readFileSync(`${dir}/SHA256SUMS`)));
  await expect(publishCandidate(project(), release())).rejects.toThrow("SHA256SUMS.sig of 1.2.3 is there already");
});

test("publish: a release older than the latest is rejected, because all hosts would be offered it", async () => {
  gitlab.releases.set("v1.3.0", { description: "", links: [] });
  await expect(publishRelease(project(), release())).rejects.toThrow("v1.3.0 is released already, and 1.2.3 is older");
});

test("publish: the release has the changelog section and a stable link to each file", async () => {
  expect(await publishRelease(project(), release())).toBe("v1.2.3 is released with 4 files");
  const made = gitlab.releases.get("v1.2.3");
  expect(made?.description).toBe("- All.");
  expect(made?.links).toContainEqual(expect.objectContaining({ name: "install.sh", direct_asset_path: "/install.sh" }));
  made?.links.pop();
  expect(await publishRelease(project(), release())).toBe("v1.2.3 was released already, 1 links were missing");
  expect(made?.links).toHaveLength(4);
});

test("publish: an error of GitLab is reported without the token", async () => {
  const wrong = { ...project(), token: "wrong" };
  const said = await publishCandidate(wrong, release()).catch((error: Error) => error.message);
  expect(said).toContain("GitLab refuses GET SHA256SUMS: 401");
  await expect(publishRelease(project(), { ...release(), version: "9.9.9" })).rejects.toThrow(
    "CHANGELOG.md has nothing of 9.9.9",
  );
  const untagged = { ...release(), version: "9.9.9", changelog: "## [9.9.9] - 2026-01-01\n\n- All.\n" };
  await expect(publishRelease(project(), untagged)).rejects.toThrow("GitLab refuses POST v9.9.9: 422");
  rmSync(`${dir}/SHA256SUMS.sig`);
  await expect(publishCandidate(project(), release())).rejects.toThrow("has no signed release");
});
