// Where GitLab Pages serves the site of a job's artifact, and how docs:build and docs:smoke report invalid arguments.

import { expect, test } from "bun:test";
import { artifactSiteUrl, isSiteUrl } from "../../build/site-address.ts";

const top = `${import.meta.dir}/../..`;
const job = { CI_JOB_ID: "42", CI_PROJECT_PATH: "group/edox-ops", CI_PAGES_DOMAIN: "pages.example.org" };
const below = "/-/jobs/42/artifacts/docs/.vitepress/dist";

test("artifact site: a project in a group is below the group's host", () => {
  const pages = { CI_PAGES_URL: "https://group.pages.example.org/edox-ops" };
  expect(artifactSiteUrl({ ...job, ...pages })).toBe(`https://group.pages.example.org/-/edox-ops${below}`);
});

test("artifact site: a unique domain of the project does not change the address", () => {
  const pages = { CI_PAGES_URL: "https://edox-ops-1a2b3c.pages.example.org" };
  expect(artifactSiteUrl({ ...job, ...pages })).toBe(`https://group.pages.example.org/-/edox-ops${below}`);
});

test("artifact site: subgroups are part of the path, and the host is in lower case", () => {
  const project = { CI_PROJECT_PATH: "Group/sub/Ops", CI_PAGES_URL: "http://group.pages.example.org/sub/Ops" };
  expect(artifactSiteUrl({ ...job, ...project })).toBe(`http://group.pages.example.org/-/sub/Ops${below}`);
});

test("artifact site: an instance without a wildcard domain has the namespace in the path", () => {
  const pages = { CI_PAGES_URL: "https://pages.example.org/group/edox-ops" };
  expect(artifactSiteUrl({ ...job, ...pages })).toBe(`https://pages.example.org/group/-/edox-ops${below}`);
});

test("artifact site: an instance without Pages has no address", () => {
  expect(artifactSiteUrl({ CI_JOB_ID: "42", CI_PROJECT_PATH: "group/edox-ops" })).toBeNull();
  expect(artifactSiteUrl({ ...job, CI_PAGES_DOMAIN: "", CI_PAGES_URL: "" })).toBeNull();
});

test("artifact site: an address outside a job is refused", () => {
  expect(() => artifactSiteUrl({})).toThrow("CI_JOB_ID");
  expect(() => artifactSiteUrl({ ...job, CI_JOB_ID: "" })).toThrow("CI_JOB_ID");
});

async function run(script: string, args: string[], env: Record<string, string> = {}) {
  const child = Bun.spawn([process.execPath, `${top}/${script}`, ...args], {
    env: { PATH: "/nonexistent", ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { code, out, err };
}

test("docs:smoke: an empty address is skipped with a message that names the variable", async () => {
  const { code, out, err } = await run("test/site/smoke.ts", [""], { DOCS_SITE_URL: "https://docs.example.org" });
  expect([code, err]).toEqual([0, ""]);
  expect(out).toContain("docs:smoke: skipped: DOCS_PRODUCTION_URL is not set");
  expect(out).toContain("hint: ");
});

test("docs:smoke: an address that no browser can open is refused", async () => {
  for (const text of ["https://docs.example.org", "http://127.0.0.1:8080/a/"]) expect(isSiteUrl(text)).toBe(true);
  for (const text of ["", "docs.example.org", "file:///etc/passwd", "https://", "httpsx://a"]) {
    expect(isSiteUrl(text)).toBe(false);
  }
  const { code, err } = await run("test/site/smoke.ts", ["https://"]);
  expect([code, err]).toEqual([1, expect.stringContaining("invalid address 'https://'")]);
});

test("docs:build: an unknown argument and an invalid address are refused before the build", async () => {
  const cases = [
    [["--artefact"], {}, "unknown argument '--artefact'"],
    [["--artifact"], {}, "CI_JOB_ID"],
    [["--reference=../test"], {}, "there is no folder src/../test"],
    [[], { DOCS_SITE_URL: "docs.example.org" }, "invalid DOCS_SITE_URL 'docs.example.org'"],
  ] as const;
  const ended = await Promise.all(cases.map(([args, env]) => run("build/site.ts", [...args], env)));
  for (const [i, [, , message]] of cases.entries()) {
    expect(ended[i]).toEqual({ code: 1, out: "", err: expect.stringContaining(message) });
    expect(ended[i]?.err).not.toContain("unexpectedly");
  }
});
