// Creates all downloadable files of a release in dist/release, signed. The same commit gives the same bytes.
//   EDOX_SIGNING_KEY="$(cat key.pem)" bun build/release.ts [--quick] [SHA256SUMS]
// SHA256SUMS: the checksums of another build, whose binaries must be identical.
// --quick: compresses less, in a tenth of the time, for tests of the files.

import { chmodSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { version } from "../package.json";
import { root } from "../src/cli/cli.ts";
import { commandSpecOf } from "../src/cli/command-spec.ts";
import { completionScripts as shells } from "../src/report/completion-scripts.ts";
import { compile, own, type Target } from "./build.ts";
import { sectionOf } from "./changelog.ts";
import { type Content, debianPackage } from "./debian-package.ts";
import { filled, preinst } from "./installer.ts";
import { manPage } from "./man-page.ts";
import { closure, sbom } from "./sbom.ts";
import { publicPem, signature, signingKey } from "./signature.ts";
import { sums } from "./sums.ts";

const top = `${import.meta.dir}/..`;
const architectures = { "linux-x64": "amd64", "linux-arm64": "arm64" } as const;
/**
 * A script of the Debian package. It warns if a program of the installer hides the one of the package; the installer
 * refuses to run if the package is installed.
 */
const postinst = `#!/bin/sh
set -e
installed=/usr/local/bin/edox-ops
if [ "$1" = configure ] && [ -e "$installed" ]; then
  echo "edox-ops: $installed is there too, and a shell finds that one first: sudo $installed uninstall --yes" >&2
fi
`;

export interface State {
  version: string;
  /** The value of CI_COMMIT_TAG; undefined if no tag is built. */
  tag: string | undefined;
  /** The output of `git status --porcelain`. */
  status: string;
  changelog: string;
}

/**
 * Returns the reason why this state cannot be released, or null: the tag does not match the version, there are
 * uncommitted changes, or the changelog has no notes.
 */
export function refusal({ version, tag, status, changelog }: State): string | null {
  if (tag !== undefined && tag !== `v${version}`) return `the tag ${tag} is not v${version}, which package.json has`;
  if (status.trim() !== "") return `the tree has changes that no commit has:\n${status.trimEnd()}`;
  if (tag !== undefined && sectionOf(changelog, version) === null) return `CHANGELOG.md has nothing of ${version}`;
  return null;
}

/** Throws if the binaries differ from those of another build, given by their checksums. */
function demandSame(other: string, these: string): void {
  if (other !== these) throw new Error(`two builds of this commit differ:\n${other}\n${these}`);
}

interface Wish {
  /** The text of SHA256SUMS of another build. */
  other: string | null;
  isQuick: boolean;
}

async function release(dir: string, { other, isQuick }: Wish): Promise<void> {
  const key = signingKey(process.env.EDOX_SIGNING_KEY ?? "");
  if (!own.keys.includes(publicPem(key))) {
    throw new Error("build/release-keys.pem does not have the public key of EDOX_SIGNING_KEY (docs/release-key.md)");
  }
  const levels = isQuick ? ({ gzip: 1, xz: 0 } as const) : ({ gzip: 9, xz: 9 } as const);
  const targets = Object.keys(architectures) as Target[];
  for (const target of targets) await compile(`${top}/src/main.ts`, `${top}/dist/${target}/edox-ops`, target);
  const programs = targets.map((target) => `${target}/edox-ops`);
  if (other !== null) demandSame(other, await sums(`${top}/dist`, programs));
  const time = Number(output(["git", "log", "-1", "--format=%ct"]));
  const man = manPage(await commandSpecOf(root, ["edox-ops"]));
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  const write = (name: string, bytes: Uint8Array | string) => Bun.write(`${dir}/${name}`, bytes);

  await Promise.all(
    targets.map(async (target) => {
      const binary = await Bun.file(`${top}/dist/${target}/edox-ops`).bytes();
      const name = `edox-ops-${target}`;
      await write(name, binary);
      // The files keep this mode in an archive, so the binary can be started from there.
      chmodSync(`${dir}/${name}`, 0o755);
      await write(`${name}.gz`, Bun.gzipSync(binary, { level: levels.gzip }));
      const contents: Content[] = [
        { path: "usr/bin/edox-ops", bytes: binary, mode: 0o755 },
        { path: "usr/share/man/man1/edox-ops.1.gz", bytes: Bun.gzipSync(Buffer.from(man)), mode: 0o644 },
        { path: "usr/share/bash-completion/completions/edox-ops", bytes: shells.bash, mode: 0o644 },
        { path: "usr/share/zsh/vendor-completions/_edox-ops", bytes: shells.zsh, mode: 0o644 },
        { path: "usr/share/fish/vendor_completions.d/edox-ops.fish", bytes: shells.fish, mode: 0o644 },
        { path: "DEBIAN/preinst", bytes: preinst(), mode: 0o755 },
        { path: "DEBIAN/postinst", bytes: postinst, mode: 0o755 },
        { path: "usr/share/doc/edox-ops/copyright", bytes: await Bun.file(`${top}/LICENSE`).text(), mode: 0o644 },
      ];
      await debianPackage({ version, architecture: architectures[target], time, contents, level: levels.xz }, dir);
    }),
  );
  await write("edox-ops.1", man);
  for (const [shell, script] of Object.entries(shells)) await write(`completion.${shell}`, script);
  const lock = Bun.JSONC.parse(await Bun.file(`${top}/bun.lock`).text()) as Parameters<typeof closure>[0];
  const { dependencies } = await Bun.file(`${top}/package.json`).json();
  await write("sbom.cdx.json", sbom(version, closure(lock, [...Object.keys(dependencies), "@oven/bun-linux-x64"])));

  const names = readdirSync(dir);
  const template = await Bun.file(`${import.meta.dir}/install.sh`).text();
  const assets = await sums(
    dir,
    names.filter((name) => /^edox-ops[-_].*(linux|deb)/.test(name)),
  );
  await write(
    "install.sh",
    filled(template, { version, baseUrl: own.releases, publicKey: publicPem(key), sums: assets }),
  );
  const all = await sums(dir, [...names, "install.sh"]);
  await write("SHA256SUMS", all);
  await write("SHA256SUMS.sig", signature(key, Buffer.from(all)));
}

function output(argv: string[]): string {
  const { success, stdout, stderr } = Bun.spawnSync(argv, { cwd: top });
  if (!success) throw new Error(`${argv.join(" ")} failed: ${stderr.toString().trim()}`);
  return stdout.toString();
}

if (import.meta.main) {
  try {
    const changelog = await Bun.file(`${top}/CHANGELOG.md`).text();
    const status = output(["git", "status", "--porcelain"]);
    const why = refusal({ version, tag: process.env.CI_COMMIT_TAG, status, changelog });
    if (why) throw new Error(why);
    const words = process.argv.slice(2);
    const path = words.find((word) => word !== "--quick");
    const other = path === undefined ? null : await Bun.file(path).text();
    await release(`${top}/dist/release`, { other, isQuick: words.includes("--quick") });
    console.log(`dist/release: ${readdirSync(`${top}/dist/release`).length} files of edox-ops ${version}`);
  } catch (error) {
    console.log(`error: ${(error as Error).message}`);
    console.log('release failed (to repeat it: EDOX_SIGNING_KEY="$(cat key.pem)" npm run release:assets)');
    process.exitCode = 1;
  }
}
