// The failures of restic, by the messages of its versions: what each means, and what to type.

import type { ProblemCode } from "../problem/codes.ts";
import { passwordPath } from "./paths.ts";
import { shownLocation } from "./repository.ts";
import type { Access } from "./settings.ts";

/** A failure of restic by what it prints. */
interface Fault {
  pattern: RegExp;
  code: ProblemCode;
  /** What it means, after the location of the repository. */
  meaning: string;
  /** `found`: what the pattern matched. */
  hint(access: Access, found: RegExpExecArray): string[];
}

const init = ["sudo", "edox-ops", "backup", "init"];
export const again = ["sudo", "edox-ops", "backup", "run"];

/** Returns the command that opens a connection as restic does: it shows the fault, and accepts a new host key. */
function connect({ repository: { kind, ssh, location } }: Access): string[] {
  if (ssh !== null) return ["sudo", "ssh", ...(ssh.port === null ? [] : ["-p", ssh.port]), ssh.destination];
  if (kind === "rclone") return ["sudo", "rclone", "lsd", location.slice("rclone:".length)];
  const url = /https?:\/\/[^/]+/.exec(shownLocation(location))?.[0];
  return url === undefined ? [...again] : ["curl", "-sSI", url];
}

/** Returns a command of restic for the recorded repository, or null if it needs credentials that no command line has. */
function repairing({ repository: { location }, environment }: Access, ...words: string[]): string[] | null {
  if (environment.size > 0) return null;
  return ["sudo", "restic", "--repo", location, "--password-file", passwordPath, ...words];
}

/** Sets up a repository in place of a damaged one. */
const another = ["sudo", "edox-ops", "backup", "init", "--repo", "REPOSITORY", "--generate"];

/** Returns the command that shows the free space of the storage, or what keeps fewer snapshots in it. */
function space(access: Access): string[] {
  const { kind, path, ssh, location } = access.repository;
  if (path !== null) return ["df", "-h", path];
  if (ssh !== null) return [...connect(access), "df", "-h"];
  if (kind === "rclone") return ["sudo", "rclone", "about", location.slice("rclone:".length)];
  return ["edox-ops", "backup", "enable", "--help"];
}

/** Version 0.18 repeats its request for minutes. */
export const noBucket = /bucket does not exist|NoSuchBucket/i;

/** The failures that are explained. The first that matches is reported. */
export const faults: readonly Fault[] = [
  {
    pattern: /wrong password or no key found/,
    code: "permission-denied",
    meaning: "the password is wrong",
    hint: ({ repository }) => [...init, "--repo", repository.location, "--password-file", "FILE"],
  },
  {
    pattern:
      /no space left on device|quota ?exceeded|not enough space|insufficient storage|StorageFull|minimum free drive threshold/i,
    code: "no-space",
    meaning: "no space is left",
    hint: space,
  },
  { pattern: /read-only file system/i, code: "read-only-file-system", meaning: "it is read-only", hint: connect },
  {
    pattern: /executable file not found/,
    code: "precondition-failed",
    meaning: "the program that reaches it is not installed",
    hint: ({ repository: { kind } }) => {
      return ["sudo", "apt-get", "install", kind === "rclone" ? "rclone" : "openssh-client"];
    },
  },
  {
    pattern: /didn't find section in config file/,
    code: "not-found",
    meaning: "rclone has no remote of this name",
    hint: () => ["sudo", "rclone", "listremotes"],
  },
  {
    pattern: /Host key verification failed/,
    code: "unreachable",
    meaning: "root does not know the host key of the server",
    hint: connect,
  },
  {
    pattern:
      /Permission denied \(|(?:response|error) \(?(?:401|403)|40[13] (?:Unauthorized|Forbidden)|AccessDenied|Access Denied|SignatureDoesNotMatch|signature we calculated does not match|InvalidAccessKeyId|Access Key Id you provided does not exist/i,
    code: "permission-denied",
    meaning: "the server denies access",
    hint: connect,
  },
  {
    pattern: /(?:create repository at|Save\(|sftp:).*permission denied$/im,
    code: "permission-denied",
    meaning: "its user may not write there",
    hint: (access) => {
      const { path } = access.repository;
      return path === null ? connect(access) : ["ls", "-ld", path];
    },
  },
  {
    // The system user backup of Debian is one.
    pattern: /packet too long/,
    code: "unreachable",
    meaning: "its user cannot use SFTP, because the login prints a text",
    hint: connect,
  },
  {
    pattern: noBucket,
    code: "not-found",
    meaning: "the bucket does not exist",
    hint: ({ repository: { location } }) => {
      return [...init, "--repo", location, "--generate"];
    },
  },
  {
    pattern:
      /connection (?:refused|timed out|reset|closed|lost)|i\/o timeout|no route to host|network is unreachable|no such host|(?:could|can)not resolve|name resolution|server misbehaving|certificate|ssh command exited|connection to .* closed|no answer within|unable to start the sftp session|error talking HTTP to rclone/i,
    code: "unreachable",
    meaning: "it cannot be reached",
    hint: connect,
  },
  {
    pattern: /already locked/i,
    code: "in-use",
    meaning: "another host or program uses it",
    hint: () => again,
  },
  {
    pattern: /Is there a repository at the following location|repository does not exist|config file already exists/,
    code: "not-found",
    meaning: "there is no repository, or its disk is not mounted",
    hint: ({ repository: { path, location } }) => {
      return path === null ? [...init, "--repo", location, "--generate"] : ["ls", "-ld", path];
    },
  },
  {
    pattern: /no matching ID found|no snapshot found|snapshot .* not found/i,
    code: "not-found",
    meaning: "it has no such snapshot",
    hint: () => ["sudo", "edox-ops", "backup", "list"],
  },
  {
    // Later versions name the packs whose content is wrong.
    pattern: /^restic repair packs ([0-9a-f ]+)$/m,
    code: "io-error",
    meaning: "it is damaged: repair it, back up again and verify all data",
    hint: (access, [, packs = ""]) => repairing(access, "repair", "packs", ...packs.split(" ")) ?? another,
  },
  {
    pattern: /ciphertext verification failed|Pack ID does not match|unexpected pack id/i,
    code: "io-error",
    meaning: "it is damaged: set up another repository, and keep this one for what it still has",
    hint: () => another,
  },
  {
    pattern: /contains errors|not found in index|StreamPack:|ReadFull\(<data/i,
    code: "io-error",
    meaning: "it is damaged: repair its index, back up again and verify all data",
    // Version 0.16 has renamed the command, and takes the earlier name too.
    hint: (access) => repairing(access, "rebuild-index") ?? another,
  },
  {
    // SFTP has no error of its own for a full disk. Later versions ask the server for its free space.
    pattern: /SSH_FX_FAILURE/,
    code: "no-space",
    meaning: "its server could not write, as if its disk were full",
    hint: space,
  },
];
