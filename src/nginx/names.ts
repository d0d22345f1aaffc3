// Computes the sizes of nginx's tables of host names and of variables, and how long site names may be.

import type { HostReader } from "../host/host.ts";
import type { Unmet } from "../problem/requirement.ts";
import { nginxConfig, type Setting } from "./config.ts";
import { limitsPath, rulesDir } from "./paths.ts";

const bucketSize = "server_names_hash_bucket_size";

/**
 * A bucket of 320 bytes fits any legal name, and one of 512 several short ones. With this many buckets, nginx 1.22 and
 * 1.26 accept 2,000 names of 253 characters or 10,000 of 30 without a warning. nginx allocates no more buckets than the
 * names need.
 */
const nameSizes = { [bucketSize]: 512, server_names_hash_max_size: 16384 };

/**
 * The names of variables have the slug of their site, up to 148 characters. With these sizes, nginx 1.22 accepts 200 sites
 * with rules and the longest slugs without a warning. With its own, it refuses a slug of 22 characters.
 */
export const variableSizes = { variables_hash_bucket_size: 512, variables_hash_max_size: 16384 };

type Sizes = (readonly [name: string, size: number])[];

/**
 * Returns the settings of each table that no foreign file sets: nginx refuses a second one. Only rules of sites need more
 * room for variables.
 */
export function tableSizes(reader: HostReader): { names: Sizes; variables: Sizes } {
  const foreign = foreignSizes(reader).map(({ name }) => name);
  const own = (sizes: Record<string, number>): Sizes =>
    Object.entries(sizes).filter(([name]) => !foreign.includes(name));
  const hasRules = reader.list(rulesDir)?.some((name) => name.endsWith(".maps")) === true;
  return { names: own(nameSizes), variables: hasRules ? own(variableSizes) : [] };
}

function foreignSizes(reader: HostReader): Setting[] {
  return nginxConfig(reader).settings.filter(({ path }) => path !== limitsPath);
}

/** Returns why nginx cannot serve these names, or null. The reason is a foreign size setting that is too small. */
export function nameTooLong(reader: HostReader, names: readonly string[]): Unmet | null {
  const setting = foreignSizes(reader).find(({ name }) => name === bucketSize);
  if (setting === undefined) return null;
  const tooLong = names.find((name) => name.length > longestName(Number(setting.value)));
  if (tooLong === undefined) return null;
  const { path, line, value } = setting;
  const reason = `${tooLong} is too long for nginx: ${path}:${line} sets ${bucketSize} to ${value}; remove that, or set ${nameSizes[bucketSize]}`;
  return { reason, hint: ["sed", "-n", `${line}p`, path], code: "limit-exceeded" };
}

/**
 * Returns the longest name that fits in a bucket. Measured: 46 characters in 64 bytes. nginx rounds a bucket up to a
 * cache line, and a name with its length to 8 bytes.
 */
function longestName(bucket: number): number {
  return Math.ceil(bucket / 64) * 64 - 18;
}
