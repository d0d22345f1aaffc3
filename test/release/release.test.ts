// Building a release, and the states in which it is refused.

import { afterAll, describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { bump } from "../../build/bump.ts";
import { nextVersion, released, sectionOf } from "../../build/changelog.ts";
import { debianPackage } from "../../build/debian-package.ts";
import { refusal } from "../../build/release.ts";
import { closure, sbom } from "../../build/sbom.ts";
import { publicPem, signature, signingKey } from "../../build/signature.ts";

const dir = mkdtempSync(`${tmpdir()}/edox-release-`);
afterAll(() => rmSync(dir, { recursive: true }));

function run(...argv: string[]): string {
  const { success, stdout, stderr } = Bun.spawnSync(argv, { cwd: dir });
  if (!success) throw new Error(`${argv.join(" ")}\n${stdout}${stderr}`);
  return stdout.toString();
}

/** Returns a temporary key in PEM. */
function pem(namedCurve = "P-256"): string {
  return generateKeyPairSync("ec", { namedCurve }).privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

describe("signature", () => {
  test("openssl verifies it, and rejects it if one bit of the file is changed", async () => {
    const key = signingKey(pem());
    const bytes = Buffer.from("hash  name\n");
    await Bun.write(`${dir}/key.pem`, publicPem(key));
    await Bun.write(`${dir}/sums`, bytes);
    await Bun.write(`${dir}/sums.sig`, signature(key, bytes));
    const verify = ["openssl", "dgst", "-sha256", "-verify", "key.pem", "-signature", "sums.sig", "sums"];
    expect(run(...verify)).toBe("Verified OK\n");
    await Bun.write(`${dir}/sums`, "hash  Name\n");
    expect(() => run(...verify)).toThrow();
  });

  test("requires a P-256 key", () => {
    expect(() => signingKey("")).toThrow("EDOX_SIGNING_KEY is no private key in PEM");
    const key = pem();
    expect(publicPem(signingKey(Buffer.from(key).toString("base64")))).toBe(publicPem(signingKey(key)));
    expect(() => signingKey(pem("P-384"))).toThrow("EDOX_SIGNING_KEY is not one of P-256");
  });
});

describe("Debian package", () => {
  const contents = [
    { path: "usr/bin/edox-ops", bytes: "binary", mode: 0o755 },
    { path: "usr/share/doc/edox-ops/copyright", bytes: "mine\n", mode: 0o644 },
  ];

  test("has the same bytes in two folders, and all files are owned by root", async () => {
    const digests: string[] = [];
    for (const name of ["one", "two"]) {
      mkdirSync(`${dir}/${name}`);
      const wanted = { version: "1.2.3", architecture: "amd64" as const, time: 1_700_000_000, contents, level: 9 };
      const file = await debianPackage(wanted, `${dir}/${name}`);
      expect(file).toBe("edox-ops_1.2.3_amd64.deb");
      digests.push(run("sha256sum", `${name}/${file}`).split(" ")[0] ?? "");
    }
    expect(digests[0]).toBe(digests[1] ?? "");
    const file = "one/edox-ops_1.2.3_amd64.deb";
    expect(run("dpkg-deb", "--field", file, "Package", "Version", "Architecture")).toContain("Version: 1.2.3");
    expect(run("dpkg-deb", "--contents", file)).toMatch(/^-rwxr-xr-x root\/root +6 .* \.\/usr\/bin\/edox-ops$/m);
    const unpacked = `dpkg-deb --fsys-tarfile ${file} | tar -xO ./usr/bin/edox-ops`;
    expect(run("sh", "-c", unpacked)).toBe("binary");
  });
});

describe("bill of materials", () => {
  const lock = {
    packages: {
      a: ["a@1.0.0", "", { dependencies: { b: "^2.0.0" } }, "sha512-AAAA"],
      b: ["b@2.1.0", "", { dependencies: { a: "*" } }, "sha512-BBBB"],
      dev: ["dev@3.0.0", "", {}, "sha512-CCCC"],
    },
  } as unknown as Parameters<typeof closure>[0];

  test("lists the dependencies at run time including indirect ones, and no development dependencies", () => {
    const packages = closure(lock, ["a"]);
    expect(packages.map(({ name, version }) => `${name} ${version}`)).toEqual(["a 1.0.0", "b 2.1.0"]);
    const text = sbom("1.2.3", packages);
    expect(sbom("1.2.3", packages)).toBe(text);
    expect(JSON.parse(text)).toMatchObject({
      bomFormat: "CycloneDX",
      specVersion: "1.6",
      metadata: { component: { name: "edox-ops", version: "1.2.3" } },
      components: [{ name: "a", version: "1.0.0", purl: "pkg:npm/a@1.0.0" }, { name: "b" }],
    });
  });

  test("contains the indirect dependencies of this project, and no compiler", async () => {
    const own = Bun.JSONC.parse(await Bun.file(`${import.meta.dir}/../../bun.lock`).text()) as typeof lock;
    const { dependencies } = await Bun.file(`${import.meta.dir}/../../package.json`).json();
    const names = closure(own, Object.keys(dependencies)).map(({ name }) => name);
    expect(names).toContain("eslint-visitor-keys");
    expect(names).not.toContain("typescript");
  });
});

const changelog = "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- New.\n\n## [0.1.0] - 2026-01-01\n\n- Old.\n";

describe("changelog", () => {
  test("has a section for each version", () => {
    expect(sectionOf(changelog, "0.1.0")).toBe("- Old.");
    expect(sectionOf(changelog, "Unreleased")).toBe("### Added\n\n- New.");
    expect(sectionOf(changelog, "9.9.9")).toBeNull();
  });

  test("moves the unreleased changes to a version once", () => {
    const text = released(changelog, "0.2.0", "2026-02-02");
    expect(sectionOf(text, "0.2.0")).toBe("### Added\n\n- New.");
    expect(sectionOf(text, "Unreleased")).toBe("");
    expect(() => released(text, "0.3.0", "2026-02-02")).toThrow("nothing under [Unreleased]");
    expect(() => released(changelog, "0.1.0", "2026-02-02")).toThrow("has 0.1.0 already");
  });

  test("nextVersion: follows from the types of the commits", () => {
    expect(nextVersion("0.1.0", ["fix: a"])).toBe("0.1.1");
    expect(nextVersion("0.1.0", ["fix: a", "feat(b): c"])).toBe("0.2.0");
    expect(nextVersion("0.1.0", ["feat!: a"])).toBe("0.2.0");
    expect(nextVersion("1.4.2", ["refactor: a\n\nBREAKING CHANGE: b"])).toBe("2.0.0");
    expect(nextVersion("1.4.2", ["docs: a feature"])).toBe("1.4.3");
  });
});

test("release: is refused for a wrong tag, uncommitted changes, or a missing changelog section", () => {
  const state = { version: "0.1.0", tag: "v0.1.0", status: "", changelog };
  expect(refusal(state)).toBeNull();
  expect(refusal({ ...state, tag: undefined })).toBeNull();
  expect(refusal({ ...state, tag: "v0.1.1" })).toBe("the tag v0.1.1 is not v0.1.0, which package.json has");
  expect(refusal({ ...state, status: " M src/main.ts\n" })).toContain("changes that no commit has:\n M src/main.ts");
  expect(refusal({ ...state, version: "0.2.0", tag: "v0.2.0" })).toBe("CHANGELOG.md has nothing of 0.2.0");
});

test("bump: writes, commits and tags the version, and only prints it without --yes", async () => {
  const top = `${dir}/project`;
  mkdirSync(top);
  writeFileSync(`${top}/package.json`, '{\n  "version": "0.1.0"\n}\n');
  writeFileSync(`${top}/CHANGELOG.md`, changelog);
  const git = (...argv: string[]) => run("git", "-C", top, ...argv);
  git("init", "--quiet");
  for (const [key, value] of Object.entries({ "user.name": "a", "user.email": "a@example.org" }))
    git("config", key, value);
  git("add", ".");
  git("commit", "--quiet", "--message", "feat: all");
  const wish = { yes: false, tag: true };
  expect(await bump(top, "0.1.0", wish, "2026-02-02")).toStartWith("0.1.0 -> 0.2.0, from 1 commits");
  expect(git("status", "--porcelain")).toBe("");
  expect(await bump(top, "0.1.0", { ...wish, yes: true }, "2026-02-02")).toStartWith(
    "0.1.0 -> 0.2.0, committed and tagged",
  );
  expect(git("describe", "--exact-match")).toBe("v0.2.0\n");
  expect(await Bun.file(`${top}/package.json`).text()).toBe('{\n  "version": "0.2.0"\n}\n');
  await expect(bump(top, "0.2.0", wish, "2026-02-02")).rejects.toThrow("no commit since v0.2.0");
  writeFileSync(`${top}/new`, "");
  await expect(bump(top, "0.2.0", wish, "2026-02-02")).rejects.toThrow("changes that no commit has");
});
