// Recognises secrets and version control data in a source by their names. They are published only if the caller
// includes them.

import type { TreeEntry } from "../../host/trees.ts";

/** Paths within the source from the command line. Each also stands for everything below it. */
export interface Selection {
  /** Paths to publish in spite of their names. */
  include: readonly string[];
  /** Paths to leave out in every case. */
  exclude: readonly string[];
}

/** Directories with keys and passwords of programs. */
const secretDirs = /(?:^|\/)\.(?:ssh|gnupg|aws|azure|kube|password-store|config\/(?:gcloud|gh|glab-cli|rclone))$/i;
/**
 * Repositories contain every secret that was ever committed, even if it was removed later. In a submodule or a
 * worktree, the name is a file.
 */
const versionDirs = /(?:^|\/)\.(?:git|hg|svn|bzr)$/i;

/** Files with passwords and tokens, and histories of shells and databases. */
const secretFiles = new RegExp(
  [
    String.raw`(?:^|\/)\.(?:env(?:\.[^/]*)?|envrc|netrc|npmrc|pypirc|pgpass|my\.cnf|git-credentials|htpasswd|dockercfg`,
    String.raw`docker\/config\.json|vault-token|s3cfg|boto|terraformrc`,
    "[a-z_]*_history|zhistory|histfile|lesshst|viminfo|dbshell)$",
  ].join("|"),
  "i",
);
/** Private keys and key stores, by their usual names. */
const keyFiles = /(?:^|\/)(?:_netrc|id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?)$|\.(?:kdbx?|ppk|p12|pfx|jks|keystore)$/i;
/** Suffixes that editors, people and typing errors add to the name of a copy. */
const copyEndings = /(?:~|\s|\.(?:bak|old|orig|save|swp|copy)){1,9}$/i;
/** Templates, which are made to be read, and pages about such a file. */
const harmless = /\.env\.(?:example|sample|template|dist|defaults?|html?|md)$/i;

/** Returns whether an entry is a secret, by its name. */
export function isSecret({ path, type }: Pick<TreeEntry, "path" | "type">): boolean {
  // Few names of a site are hidden, and the others do not need the long expression.
  const isHidden = path.startsWith(".") || path.includes("/.");
  if (type === "directory") return isHidden && secretDirs.test(path);
  const original = path.replace(copyEndings, "");
  if (keyFiles.test(original)) return true;
  if (!isHidden || harmless.test(original)) return false;
  return secretFiles.test(original) || (type === "link" && secretDirs.test(path));
}

/** Returns whether a directory has version control data, by its name. */
export const isVersionDir = (path: string): boolean => versionDirs.test(path);

/**
 * Returns the first secret or version control directory on a path, the path itself included; null where there is none.
 * No part of such a directory is published.
 */
export function closedPart(path: string): string | null {
  const names = path.split("/");
  const ways = names.map((_, i) => names.slice(0, i + 1).join("/"));
  return ways.find((way) => secretDirs.test(way) || versionDirs.test(way)) ?? null;
}

/** Returns whether `named` contains the path or a directory above it. */
export function isNamed(path: string, named: readonly string[]): boolean {
  return named.some((each) => path === each || path.startsWith(`${each}/`));
}
