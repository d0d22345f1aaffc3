// Three releases on a server, and checks for the result of an installation.

import { expect } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import type { Ended } from "../integration/run.ts";
import { executable } from "./executable.ts";
import type { Ground } from "./installing.ts";
import { type Keys, type Made, makeKeys, makeRelease } from "./release.ts";
import { Releases } from "./server.ts";

export const [older, current, newer] = ["1.2.0", "1.2.3", "1.10.0"];

export class Stage implements Disposable {
  private readonly dir = mkdtempSync(`${tmpdir()}/edox-releases-`);
  readonly root = `${this.dir}/releases`;
  readonly keys: Keys = makeKeys(this.dir);
  private readonly made = new Map<string, Made>();

  private constructor(readonly server: Releases) {}

  static async up(): Promise<Stage> {
    const stage: Stage = new Stage(undefined as never);
    mkdirSync(stage.root);
    Object.assign(stage, { server: await Releases.up(stage.root, stage.dir) });
    const { url } = stage.server.place();
    for (const version of [older, current, newer]) {
      stage.made.set(version, makeRelease(stage.root, version, stage.binary(version), url, stage.keys));
    }
    return stage;
  }

  get authority(): string {
    return this.server.authority;
  }

  release(version: string): Made {
    const made = this.made.get(version);
    if (!made) throw new Error(`${version} was not made`);
    return made;
  }

  /** Returns the path of the executable of a version. */
  binary(version: string): string {
    const path = `${this.dir}/${version}`;
    const script = `if [ "$1" = --version ]; then echo ${version}; else echo "ran: $*"; fi`;
    if (!existsSync(path)) writeFileSync(path, executable(script, 200_000), { mode: 0o755 });
    return path;
  }

  expectInstalled(ground: Ground, version: string): void {
    expect(ground.left).toEqual(["edox-ops"]);
    expect(Buffer.compare(readFileSync(ground.target), readFileSync(this.binary(version)))).toBe(0);
  }

  [Symbol.dispose](): void {
    this.server[Symbol.dispose]();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Expects one error line that names the cause, one hint, and no other output except for progress. */
export function expectRefused({ code, stdout, stderr }: Ended, error: string | RegExp, hint: string | RegExp): void {
  const [first = "", second = "", ...more] = stderr.split("\n").filter((line) => !line.startsWith("fetching "));
  expect(first).toMatch(error);
  expect(second).toMatch(hint);
  expect([first.slice(0, 7), second.slice(0, 6), more, stdout, code]).toEqual(["error: ", "hint: ", [""], "", 1]);
}
