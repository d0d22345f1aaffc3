// What of a snapshot no part restores: files of an admin, and those of packages that an admin changed.

import { trustDir } from "../bundle/paths.ts";
import type { Host, HostReader } from "../host/host.ts";
import type { Trees } from "../host/trees.ts";
import type { Manifest } from "./contents.ts";
import { fetchedPath } from "./fetched.ts";

/** Files of packages are equal on two hosts of the same system, unless an admin changed them. */
const ofPackages = ["/etc/nginx/nginx.conf", "/etc/letsencrypt/cli.ini"];
/** Where admins add files, as directories of the configuration. */
const ofAdmins = [
  ...["conf.d", "sites-available", "sites-enabled", "snippets", "stream.d"].map((name) => `/etc/nginx/${name}`),
  "/etc/letsencrypt/renewal-hooks",
  "/etc/gitlab-runner",
  // A key that is restored would forbid the bundle of this run.
  trustDir,
];
/** GitLab Runner makes the identity of its host itself, and edox-ops the files with its name. */
const made = /\/(?:\.runner_system_id|[^/]*edox-ops[^/]*)$/;

/** A file of a fetched snapshot, which is removed after the restore. */
export interface OldFile {
  path: string;
  /** The content to compare with; null if only the path is. */
  bytes: Uint8Array | null;
}

/** Returns the files of the fetched snapshot that a host may not have after a restore. */
export function oldFiles(host: Host, trees: Trees, { system }: Manifest, ownSystem: string): OldFile[] {
  const found = ofAdmins.flatMap((dir) => {
    const from = fetchedPath(dir);
    if (host.stat(from)?.type !== "directory") return [];
    return [...trees.walk(from)].filter(({ type }) => type !== "directory").map(({ path }) => `${dir}/${path}`);
  });
  const compared = system === ownSystem ? ofPackages : [];
  return [
    ...found.filter((path) => !made.test(path)).map((path) => ({ path, bytes: null })),
    ...compared.map((path) => ({ path, bytes: host.read(fetchedPath(path)) })).filter(({ bytes }) => bytes !== null),
  ];
}

/** Returns the paths of those files that are missing on this host, or differ. */
export function leftPaths(host: HostReader, files: readonly OldFile[]): string[] {
  return files.flatMap(({ path, bytes }) => {
    if (bytes === null) return host.stat(path) === null ? [path] : [];
    const own = host.read(path);
    return own !== null && Buffer.compare(own, bytes) === 0 ? [] : [path];
  });
}
