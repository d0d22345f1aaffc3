// Computes how long site names may be: nginx stores them in a table with a fixed bucket size.

import type { HostReader } from "../host/host.ts";
import type { Unmet } from "../problem/requirement.ts";
import { nginxConfig, type Setting } from "./config.ts";
import { limitsPath } from "./paths.ts";

const bucketSize = "server_names_hash_bucket_size";

/**
 * A bucket of 320 bytes fits any legal name, and one of 512 several short ones. With this many buckets, nginx 1.22 and
 * 1.26 accept 2,000 names of 253 characters or 10,000 of 30 without a warning. nginx allocates no more buckets than the
 * names need.
 */
export const nameSizes = { [bucketSize]: 512, server_names_hash_max_size: 16384 };

/** Returns the settings of the table in foreign files. nginx refuses a second setting. */
export function foreignNameSizes(reader: HostReader): Setting[] {
  return nginxConfig(reader).settings.filter(({ path, name }) => path !== limitsPath && name in nameSizes);
}

/** Returns why nginx cannot serve these names, or null. The reason is a foreign size setting that is too small. */
export function nameTooLong(reader: HostReader, names: readonly string[]): Unmet | null {
  const setting = foreignNameSizes(reader).find(({ name }) => name === bucketSize);
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
