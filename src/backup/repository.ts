// The location of a repository, as restic writes it. A password is never a part of it.

import { Problem } from "../problem/problem.ts";

export interface Repository {
  kind: "local" | "sftp" | "rest" | "s3" | "rclone" | "other";
  /** The location as restic takes it. */
  location: string;
  /** The cleaned path of a local repository; null for any other. */
  path: string | null;
  /** How ssh reaches the host of sftp; null for any other. */
  ssh: { destination: string; port: string | null } | null;
}

/** Backends of restic whose locations are passed on as they are. Their credentials are environment variables. */
const others = ["azure", "b2", "gs", "swift"];
const examples = "/mnt/stick/backup, sftp:user@host:/backup, rest:https://host/backup, s3:https://host/bucket";
/** No character of these begins a flag, ends a word of ssh, or is a blank. */
const hostPattern = /^(?:[A-Za-z0-9._][A-Za-z0-9._-]*@)?(?:[A-Za-z0-9._][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])$/;

/** Returns a repository by its typed or recorded location. Throws a Problem that names what is wrong with it. */
export function readRepository(location: string): Repository {
  const wrong = (why: string): Problem =>
    new Problem("invalid-value", `invalid repository '${shownLocation(location)}': ${why}`);
  if (/[\p{C}]/u.test(location) || location.length > 4096) throw wrong("it has control characters, or is too long");
  const plain = { location, path: null, ssh: null };
  const local = location.replace(/^local:/, "");
  if (local.startsWith("/")) {
    const path = cleanPath(local);
    if (path === "/" || path.split("/").includes("..")) throw wrong("a local repository is a directory of its own");
    return { kind: "local", location: local, path, ssh: null };
  }
  const [, scheme = "", rest = ""] = /^([a-z0-9]+):(.*)$/s.exec(location) ?? [];
  if (scheme === "sftp") return { ...plain, kind: "sftp", ssh: sshOf(rest, wrong) };
  if (scheme === "rest" || scheme === "s3") {
    if (/^https?:\/\/[^/]*:[^/]*@/.test(rest)) {
      const names = scheme === "rest" ? "RESTIC_REST_USERNAME and RESTIC_REST_PASSWORD" : "AWS_SECRET_ACCESS_KEY";
      throw wrong(`it has a password, which other users could see: pass ${names} with --environment-file`);
    }
    if (scheme === "rest" && !URL.canParse(rest)) throw wrong("rest: is followed by a URL, rest:https://host/backup");
    return { ...plain, kind: scheme };
  }
  if (scheme === "rclone" && /^[^:]+:/.test(rest)) return { ...plain, kind: "rclone" };
  if (others.includes(scheme) && rest !== "") return { ...plain, kind: "other" };
  throw wrong(`use an absolute path or a location of restic (${examples})`);
}

/** Returns a location without its password, for messages. */
export function shownLocation(location: string): string {
  return location.replace(/(\/\/[^/:@]*):[^/]*@/, "$1:***@");
}

/** Returns the location with these credentials of a rest-server. restic 0.14 takes them only from the URL. */
export function withCredentials(location: string, user: string, password: string): string {
  const url = new URL(location.replace(/^rest:/, ""));
  url.username = encodeURIComponent(user);
  url.password = encodeURIComponent(password);
  return `rest:${url.href}`;
}

/**
 * Returns whether restic reads two locations as one repository. It cleans paths, except in the URL of a rest-server,
 * which it only ends with a slash. A backend that is not named here keeps each location as it is.
 */
export function isSameRepository(one: string, other: string): boolean {
  return plainLocation(one) === plainLocation(other);
}

function plainLocation(location: string): string {
  const local = location.replace(/^local:/, "");
  if (local.startsWith("/")) return cleanPath(local);
  if (location.startsWith("rest:")) return location.endsWith("/") ? location : `${location}/`;
  if (location.startsWith("sftp:")) {
    const { destination, port, path } = sftpParts(location.slice("sftp:".length));
    return `sftp://${destination}:${port}/${cleanPath(path)}`;
  }
  const s3 = /^s3:(?:(https?):)?(?:\/\/)?([^/]+)\/([^/]+)\/?(.*)$/s.exec(location);
  if (s3 === null) return location;
  const [, scheme = "https", endpoint, bucket, prefix = ""] = s3;
  return `s3:${scheme}://${endpoint}/${bucket}/${cleanPath(prefix)}`;
}

/** Returns a path without repeated and trailing slashes, and without components that are a dot. */
function cleanPath(path: string): string {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  return (path.startsWith("/") ? "/" : "") + parts.join("/");
}

/** Returns the parts of what follows `sftp:`; empty ones if it is invalid. */
function sftpParts(rest: string): { destination: string; port: string; path: string } {
  const [, destination = "", port = "", path = ""] = rest.startsWith("//")
    ? (/^\/\/([^/]*?)(?::(\d{1,5}))?\/(.*)$/s.exec(rest) ?? [])
    : (/^([^:]*)()?:(.*)$/s.exec(rest) ?? []);
  return { destination, port, path };
}

function sshOf(rest: string, wrong: (why: string) => Problem): NonNullable<Repository["ssh"]> {
  const { destination, port, path } = sftpParts(rest);
  if (path === "" || !hostPattern.test(destination)) {
    throw wrong("sftp is sftp:user@host:/path, or sftp://user@host:2222//path for another port");
  }
  return { destination: destination.replace(/[[\]]/g, ""), port: port || null };
}
