// Bundles made by the built program on this machine, as anyone makes them.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import type { Document } from "../../src/report/schema.ts";
import type { Suite } from "./base.ts";
import { run } from "./run.ts";

const built = `${import.meta.dir}/../../dist/linux-x64/edox-ops`;
const cacheDir = `${process.env.XDG_CACHE_HOME ?? `${homedir()}/.cache`}/edox-ops-test`;

interface Wanted {
  /** The path of the program that makes it. */
  program?: string;
  /** Unix seconds that replace the serial of the inputs. */
  serial?: number;
  /** More variables of the environment. */
  env?: Record<string, string>;
}

/** Creates a bundle with `bundle create`. Downloads are kept between runs, as on any machine. */
export function createBundle(
  path: string,
  words: readonly string[],
  { program = built, serial, env: more = {} }: Wanted = {},
): Document {
  mkdirSync(cacheDir, { recursive: true });
  const epoch = serial === undefined ? {} : { SOURCE_DATE_EPOCH: String(serial) };
  const variables = Object.entries({ XDG_CACHE_HOME: cacheDir, ...epoch, ...more });
  const env = ["env", ...variables.map(([name, value]) => `${name}=${value}`)];
  // Other test files make bundles for the same system, and each run has the cache for itself.
  const argv = [
    ...env,
    "flock",
    `${cacheDir}/bundle.lock`,
    program,
    "bundle",
    "create",
    "--json",
    "-o",
    path,
    ...words,
  ];
  const { code, stdout, stderr } = run(argv);
  const document = stdout.length === 0 ? null : (JSON.parse(stdout) as Document);
  if (code !== 0 || document === null) throw new Error(`${argv.join(" ")} failed\n${stdout}${stderr}`);
  return document;
}

export interface HostBundle extends Disposable {
  path: string;
}

/** Creates a bundle for a bare host of this suite, with the site `docs`. */
export function hostBundle(suite: Suite): HostBundle {
  const dir = mkdtempSync(`${tmpdir()}/edox-bundle-`);
  mkdirSync(`${dir}/docs`);
  writeFileSync(`${dir}/docs/index.html`, "home\n");
  const path = `${dir}/host.tar`;
  const system = ["--suite", suite, "--arch", "amd64", "--with", "host"];
  createBundle(path, [...system, "--site", `${dir}/docs`, "--program", "none"]);
  return { path, [Symbol.dispose]: () => rmSync(dir, { recursive: true }) };
}
