// `npm run audit`, with responses in the registry's format: it checks only shipped packages, and fails for known
// vulnerabilities.

import { afterAll, expect, test } from "bun:test";
import { scripts } from "../../package.json";

/** An advisory in the registry's format. */
const advisory = {
  id: 1_100_000,
  title: "a directory may be left",
  severity: "high",
  vulnerable_versions: "<99.0.0",
  url: "https://example.org/advisories/1",
  cwe: ["CWE-22"],
  cvss: { score: 8.1, vectorString: null },
};
let known: Record<string, object[]> = {};
const asked: string[] = [];
const registry = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  async fetch(request) {
    const body = new Uint8Array(await request.arrayBuffer());
    const packed = body[0] === 0x1f && body[1] === 0x8b;
    asked.push(new TextDecoder().decode(packed ? Bun.gunzipSync(body) : body));
    return Response.json(known);
  },
});
afterAll(() => registry.stop(true));

async function audit(): Promise<{ code: number; said: string }> {
  const [, , ...argv] = scripts.audit.split(" ");
  const child = Bun.spawn([process.execPath, ...argv], {
    cwd: `${import.meta.dir}/../..`,
    env: { ...process.env, npm_config_registry: `http://127.0.0.1:${registry.port}/`, NO_COLOR: "1" },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { code, said: out + err };
}

test("audit: succeeds without advisories, and requests only shipped packages", async () => {
  known = {};
  expect((await audit()).code).toBe(0);
  const names = Object.keys(JSON.parse(asked.at(-1) ?? "{}"));
  expect(names).toContain("valibot");
  expect(names).not.toContain("typescript");
});

test("audit: a vulnerability of a shipped package fails, with its name", async () => {
  known = { valibot: [advisory] };
  const { code, said } = await audit();
  expect([code, said]).toEqual([1, expect.stringContaining("valibot")]);
  expect(said).toContain("a directory may be left");
});
