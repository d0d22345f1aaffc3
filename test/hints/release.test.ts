// Every hint of self-update is typed as it stands, with a server of releases on the loopback interface.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import type { Host } from "../../src/host/host.ts";
import { shellLine } from "../../src/text/lines.ts";
import { typedWords, variables } from "../cli/typed.ts";
import { makeKeys, makeRelease } from "../install/release.ts";
import { TreeHost } from "../sites/tree.ts";
import { dpkgStatus, program, releaseCases } from "./release-cases.ts";
import { hintIn, run, wordsOf } from "./words.ts";

const top = mkdtempSync(`${tmpdir()}/edox-hints-release-`);
const keys = makeKeys(top);
const server = Bun.serve({
  port: 0,
  fetch: (asked) => new Response(Bun.file(`${top}${new URL(asked.url).pathname}`)),
});
const before = { EDOX_OPS_RELEASE_KEYS, EDOX_OPS_VERSION };

/** Returns a program that prints its version. */
const script = (version: string): string => `#!/bin/sh\necho ${version}\n`;

/** Releases the versions 1.2.2, 1.2.4 and this one below a folder of its name, once, and returns its address. */
function released(latest: string): string {
  const url = `${server.url.origin}/${latest}`;
  if (existsSync(`${top}/${latest}`)) return url;
  for (const version of ["1.2.2", "1.2.4", latest]) {
    const binary = `${top}/binary`;
    writeFileSync(binary, script(version));
    mkdirSync(`${top}/${latest}`, { recursive: true });
    makeRelease(`${top}/${latest}`, version, binary, url, keys);
  }
  return url;
}

/** Returns a host with the program, whose commands run on the files of the host. */
function updatableHost(): TreeHost {
  const disk = new TreeHost();
  disk.write(dpkgStatus, "Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\n\n");
  disk.write(program, script("1.2.3"));
  chmodSync(disk.root + program, 0o755);
  mkdirSync(`${disk.root}/var/log`, { recursive: true });
  const rooted: Host["run"] = async (argv) => {
    const { exitCode: code, stdout, stderr } = run(argv, disk.root);
    return { code, stdout: stdout.toString(), stderr: stderr.toString() };
  };
  Object.assign(disk.host, { run: rooted });
  return disk;
}

/** Writes a configuration with which apt plans for the packages of a host, and changes nothing. */
function aptConfig(root: string): string {
  const path = `${root}/etc/apt.conf`;
  const settings = { Dir: `${root}/`, "Dir::State::status": root + dpkgStatus, "APT::Architecture": "amd64" };
  const lines = Object.entries({ ...settings, "APT::Get::Simulate": "true" }).map(
    ([key, value]) => `${key} "${value}";\n`,
  );
  writeFileSync(path, lines.join(""));
  for (const dir of ["var/lib/apt/lists/partial", "var/cache/apt/archives/partial", "etc/apt"])
    mkdirSync(`${root}/${dir}`, { recursive: true });
  return path;
}

beforeAll(() => {
  Object.assign(globalThis, { EDOX_OPS_RELEASE_KEYS: keys.publicKey, EDOX_OPS_VERSION: "1.2.3" });
});
afterAll(async () => {
  Object.assign(globalThis, before);
  await server.stop(true);
  rmSync(top, { recursive: true });
});

describe("hint of self-update, typed as it stands:", () => {
  for (const { of, latest = "1.2.4", base, state, path = program, ...row } of releaseCases) {
    test(`${of} (${row.from})`, async () => {
      using disk = updatableHost();
      const url = released(latest);
      await state?.(disk);
      const typed = async (words: readonly string[], address = url, from = program) => {
        variables.EDOX_BASE_URL = address;
        try {
          return await typedWords(words, disk.host, undefined, undefined, from, disk.trees);
        } finally {
          delete variables.EDOX_BASE_URL;
        }
      };
      const { exit, err } = await typed(row.from.split(" "), base, path);
      const hint = hintIn(err);
      expect([exit === 0, err, hint.length > 0]).toEqual([false, err, true]);
      const words = wordsOf(hint).filter((word) => !word.startsWith("EDOX_BASE_URL="));
      if (words[0] === "edox-ops") {
        const out = expect.stringContaining(row.shows ?? "");
        expect(await typed(words.slice(1))).toMatchObject({ exit: 0, err: "", out });
      } else {
        const env = { PATH: `${disk.root}/usr/local/bin:${process.env.PATH}`, APT_CONFIG: aptConfig(disk.root) };
        const cwd = `${top}/${latest}/v1.2.4/downloads`;
        const ended = ["command", "apt-get"].includes(words[0] ?? "")
          ? Bun.spawnSync(["/bin/sh", "-c", shellLine(words)], { cwd, env })
          : run(words, disk.root);
        expect([words, ended.exitCode, `${ended.stdout}${ended.stderr}`]).toEqual([
          words,
          0,
          expect.stringContaining(row.shows ?? ""),
        ]);
      }
      if (row.after !== undefined) expect(await typed(row.after.split(" "))).toMatchObject({ exit: 0, err: "" });
      if (row.becomes !== undefined) expect(run([program], disk.root).stdout.toString()).toBe(`${row.becomes}\n`);
    });
  }
});
