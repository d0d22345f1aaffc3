// Which names in a source hold secrets or version control data, and are published only where somebody names them.

import type { Entry } from "../host/trees.ts";

/** What somebody named on the command line, by paths within the source. Each stands for everything below it, too. */
export interface Selection {
  /** Published in spite of their names. */
  include: readonly string[];
  /** Left out, whatever they are. */
  exclude: readonly string[];
}

/** Keys and passwords of programs. */
const secretDirs = /(?:^|\/)\.(?:ssh|gnupg|aws|azure|kube|password-store|config\/(?:gcloud|gh|glab-cli|rclone))$/i;
/** History, with every secret that was ever committed and removed. A submodule or a worktree has a file of that name only. */
const versionDirs = /(?:^|\/)\.(?:git|hg|svn|bzr)$/i;

/** Passwords and tokens, and what was typed into a shell or a database. */
const secretFiles = new RegExp(
  [
    String.raw`(?:^|\/)\.(?:env(?:\.[^/]*)?|envrc|netrc|npmrc|pypirc|pgpass|my\.cnf|git-credentials|htpasswd|dockercfg`,
    String.raw`docker\/config\.json|vault-token|s3cfg|boto|terraformrc`,
    "[a-z_]*_history|zhistory|histfile|lesshst|viminfo|dbshell)$",
  ].join("|"),
  "i",
);
/** Private keys and their stores, by the names that programs give them. */
const keyFiles = /(?:^|\/)(?:_netrc|id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?)$|\.(?:kdbx?|ppk|p12|pfx|jks|keystore)$/i;
/** What editors, people and a slip of the keyboard add to the name of a file that they copy. */
const copyEndings = /(?:~|\s|\.(?:bak|old|orig|save|swp|copy)){1,9}$/i;
/** Templates, which are written to be read, and pages about such a file. */
const harmless = /\.env\.(?:example|sample|template|dist|defaults?|html?|md)$/i;

/** Reports whether an entry holds secrets, by its name. */
export function isSecret({ path, type }: Pick<Entry, "path" | "type">): boolean {
  // Few names of a site are hidden: the others need no long expression.
  const isHidden = path.startsWith(".") || path.includes("/.");
  if (type === "directory") return isHidden && secretDirs.test(path);
  const original = path.replace(copyEndings, "");
  if (keyFiles.test(original)) return true;
  if (!isHidden || harmless.test(original)) return false;
  return secretFiles.test(original) || (type === "link" && secretDirs.test(path));
}

/** Reports whether a directory holds version control data, by its name. */
export const isVersionDir = (path: string): boolean => versionDirs.test(path);

/** Returns the directory of a path, or the path itself, that nobody publishes a part of; null where there is none. */
export function closedPart(path: string): string | null {
  const names = path.split("/");
  const ways = names.map((_, i) => names.slice(0, i + 1).join("/"));
  return ways.find((way) => secretDirs.test(way) || versionDirs.test(way)) ?? null;
}

/** Reports whether one of these paths is this one, or a directory above it. */
export function isNamed(path: string, named: readonly string[]): boolean {
  return named.some((each) => path === each || path.startsWith(`${each}/`));
}
