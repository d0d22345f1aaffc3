// Publishing, against a stand-in of GitLab's package registry and its releases that refuses what GitLab refuses.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { publishCandidate, publishRelease } from "../../build/publish.ts";

const token = "job-token-canary";
const changelog = "## [Unreleased]\n\n## [1.2.3] - 2026-01-01\n\n- All.\n";
let dir: string;
let server: ReturnType<typeof Bun.serve>;
let files: Map<string, Uint8Array>;
let releases: Map<string, { description: string; links: { name: string; url: string }[] }>;
/** Requests of this kind are answered with 503, so often. */
let unwell: { method: string; times: number };

const names = ["SHA256SUMS", "SHA256SUMS.sig", "edox-ops-linux-x64", "install.sh"];
beforeEach(() => {
  dir = mkdtempSync(`${tmpdir()}/edox-publish-`);
  for (const name of names) writeFileSync(`${dir}/${name}`, `content of ${name}`);
  files = new Map();
  releases = new Map();
  unwell = { method: "", times: 0 };
  server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: answer });
});
afterEach(async () => {
  await server.stop(true);
  rmSync(dir, { recursive: true });
});

async function answer(request: Request): Promise<Response> {
  const { method, headers } = request;
  const { pathname } = new URL(request.url);
  if (unwell.method === method && unwell.times-- > 0) return new Response("unwell", { status: 503 });
  if (headers.get("JOB-TOKEN") !== token) return Response.json({ message: "401 Unauthorized" }, { status: 401 });
  const [, file] = /^\/api\/v4\/projects\/7\/packages\/generic\/edox-ops\/1\.2\.3\/(.+)$/.exec(pathname) ?? [];
  if (file !== undefined && method === "PUT") {
    files.set(file, new Uint8Array(await request.arrayBuffer()));
    return Response.json({ message: "201 Created" }, { status: 201 });
  }
  if (file !== undefined) {
    const bytes = files.get(file);
    return bytes ? new Response(bytes) : Response.json({ message: "404 Not found" }, { status: 404 });
  }
  const [, tag, links] = /^\/api\/v4\/projects\/7\/releases(?:\/([^/]+))?(\/assets\/links)?$/.exec(pathname) ?? [];
  const body = method === "POST" ? ((await request.json()) as Record<string, never>) : {};
  if (tag === undefined) {
    const { tag_name, description, assets } = body as unknown as {
      tag_name: string;
      description: string;
      assets: { links: { name: string; url: string }[] };
    };
    if (tag_name !== "v1.2.3") return Response.json({ message: "Ref is not specified" }, { status: 422 });
    if (releases.has(tag_name)) return Response.json({ message: "Release already exists" }, { status: 409 });
    releases.set(tag_name, { description, links: assets.links });
    return Response.json({}, { status: 201 });
  }
  const release = releases.get(tag);
  if (!release || !links) return Response.json({ message: "404 Not found" }, { status: 404 });
  if (method === "GET") return Response.json(release.links);
  const link = body as unknown as { name: string; url: string };
  if (release.links.some(({ name }) => name === link.name))
    return Response.json({ message: "name has already been taken" }, { status: 400 });
  release.links.push(link);
  return Response.json({}, { status: 201 });
}

const project = () => ({ api: `http://127.0.0.1:${server.port}/api/v4`, id: "7", token });
const release = () => ({ version: "1.2.3", dir, changelog });

test("every file is sent once, and a second run sends what the first left", async () => {
  unwell = { method: "PUT", times: 1 };
  expect(await publishCandidate(project(), release())).toBe(
    "4 files of 1.2.3 are in the package registry, 4 of them new",
  );
  expect([...files.keys()].sort()).toEqual([...names].sort());
  files.delete("install.sh");
  expect(await publishCandidate(project(), release())).toBe(
    "4 files of 1.2.3 are in the package registry, 1 of them new",
  );
});

test("a file that is there as another one is not replaced: a version is one thing", async () => {
  files.set("install.sh", new TextEncoder().encode("another"));
  await expect(publishCandidate(project(), release())).rejects.toThrow(
    "install.sh of 1.2.3 is there already, and is another file",
  );
});

test("the release has the changelog's section and a link to each file that stays the same with the next one", async () => {
  expect(await publishRelease(project(), release())).toBe("v1.2.3 is released with 4 files");
  const made = releases.get("v1.2.3");
  expect(made?.description).toBe("- All.");
  expect(made?.links).toContainEqual(expect.objectContaining({ name: "install.sh", direct_asset_path: "/install.sh" }));
  made?.links.pop();
  expect(await publishRelease(project(), release())).toBe("v1.2.3 was released already, 1 links were missing");
  expect(made?.links).toHaveLength(4);
});

test("what GitLab refuses is told, without the token", async () => {
  const wrong = { ...project(), token: "wrong" };
  const said = await publishCandidate(wrong, release()).catch((error: Error) => error.message);
  expect(said).toContain("GitLab refuses GET SHA256SUMS: 401");
  await expect(publishRelease(project(), { ...release(), version: "9.9.9" })).rejects.toThrow(
    "CHANGELOG.md has nothing of 9.9.9",
  );
  rmSync(`${dir}/SHA256SUMS.sig`);
  await expect(publishCandidate(project(), release())).rejects.toThrow("has no signed release");
});
