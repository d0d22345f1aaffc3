// Certificates of a fetched snapshot. The files of a lineage are in three directories, and are of use only together.

import type { Host } from "../host/host.ts";
import type { Trees } from "../host/trees.ts";
import { fetchedPath, putMissing } from "./fetched.ts";

const top = "/etc/letsencrypt";
const lineageDirs = ["archive", "live", "renewal"];

/**
 * Does one part of a restore, and records a failure in place of throwing it. `what` names the part in a warning, and
 * `name` in the error at the end.
 */
export type Attempt = (what: string, act: () => void | Promise<void>, name?: string) => Promise<void>;

export interface RestoredCertificates {
  /** Lineages of certificates. */
  certificates: string[];
  /** What certbot needs for renewals, such as accounts and hooks: files and directories that were missing. */
  certbot_files: string[];
  /** What was not restored, and why. */
  warnings: string[];
}

/**
 * Restores what is missing: lineages, and what certbot needs to renew them, such as accounts, hooks and the credentials of
 * a DNS plugin. Adds the names of the lineages and those files to
 * `restored`.
 */
export async function restoreCertificates(
  host: Host,
  trees: Trees,
  restored: RestoredCertificates,
  attempt: Attempt,
): Promise<void> {
  const from = fetchedPath(top);
  const renewed = (host.list(`${from}/renewal`) ?? []).flatMap((name) => /^(.+)\.conf$/.exec(name)?.[1] ?? []);
  // An admin may have installed a certificate that certbot does not renew.
  const live = (host.list(`${from}/live`) ?? []).filter(
    (name) => host.stat(`${from}/live/${name}`)?.type === "directory",
  );
  const names = [...new Set([...renewed, ...live])].sort();
  for (const name of names) {
    await attempt(`certificate ${name}`, () => {
      const places = placesOf(trees, name);
      if (!isMissing(trees, places)) {
        const gone = places.filter((place) => trees.entry(`${top}/${place}`) === null);
        const why = `${top} has other files of this name, and no ${gone.join(", ")}`;
        if (gone.length > 0) restored.warnings.push(`certificate ${name} is not restored: ${why}`);
        return;
      }
      for (const place of places) putMissing(host, trees, `${from}/${place}`, `${top}/${place}`, 0);
      restored.certificates.push(name);
    });
  }
  const others = (host.list(from) ?? []).filter((name) => !lineageDirs.includes(name));
  for (const name of others) {
    await attempt(`${top}/${name}`, () => {
      restored.certbot_files.push(...putMissing(host, trees, `${from}/${name}`, `${top}/${name}`, 9));
    });
  }
}

/** Returns where a fetched lineage belongs. Its last place is what nginx reads. */
function placesOf(trees: Trees, name: string): string[] {
  const places = [`archive/${name}`, `renewal/${name}.conf`, `live/${name}`];
  return places.filter((place) => trees.entry(fetchedPath(`${top}/${place}`)) !== null);
}

/**
 * Returns whether a lineage has to be put to its places. Files of another one of this name stay as they are. Equal files
 * without the last place are those of a restore that was killed.
 */
function isMissing(trees: Trees, places: readonly string[]): boolean {
  const there = places.filter((place) => trees.entry(`${top}/${place}`) !== null);
  const isKilled = there.every((place) => isSame(trees, fetchedPath(`${top}/${place}`), `${top}/${place}`));
  return there.length === 0 || (there.length < places.length && !there.includes(places.at(-1) ?? "") && isKilled);
}

/** Returns whether two trees have the same names, and files with the same bytes. */
function isSame(trees: Trees, a: string, b: string): boolean {
  const [inA, inB] = [a, b].map((dir) => new Map([...trees.walk(dir)].map(({ path, type }) => [path, type])));
  const paths = [...(inA ?? [])];
  if (paths.length !== inB?.size) return false;
  return paths.every(([path, type]) => {
    const below = path === "" ? "" : `/${path}`;
    return inB.get(path) === type && (type !== "file" || trees.same(a + below, b + below));
  });
}
