// The file with the user and the password of a site. nginx compares the password of each request with its hash.

import { Text } from "../../engine/change.ts";
import type { Resource } from "../../engine/step.ts";
import type { HostReader } from "../../host/host.ts";
import { textOf } from "../../host/text-file.ts";
import { Problem } from "../../problem/problem.ts";
import { file } from "../../resources/file.ts";
import { Secret } from "../../text/secret.ts";
import type { Project } from "../project.ts";
import { passwordPath } from "./password-lines.ts";

export const passwordMode = 0o640;
/** The group of nginx's workers, which read the file. */
export const passwordGroup = "www-data";
const defaultUser = "reader";

/**
 * The lowest cost of bcrypt, in powers of two. nginx hashes the password of every request, also for each file of a page,
 * and serves no one else meanwhile: 0.9 ms, half of SHA-512 crypt's default, which a graphics card guesses ten times as
 * fast.
 */
const cost = 4;
/** bcrypt ignores the bytes after these. */
const mostBytes = 72;
const fewestCharacters = 12;
/** In bytes: 128 bits, which no one guesses. */
const generatedBytes = 16;

/** A user name never ends or comments out its line. */
export const userPattern = /^[A-Za-z0-9](?:[A-Za-z0-9._@-]{0,62}[A-Za-z0-9])?$/;
/** A line whose hash nginx can compare with a password. */
const linePattern = /^([^:#\s][^:\s]*):(\S+)$/m;

/** A new user or password; what is absent stays as it is. */
export interface Credential {
  user?: string;
  password?: Secret;
  /** Whether an existing password stays. */
  keepsExisting?: boolean;
}

export function generatedPassword(): Secret {
  return new Secret(Buffer.from(crypto.getRandomValues(new Uint8Array(generatedBytes))).toString("base64url"));
}

/** Returns why a password is rejected, or null. */
export function whyRejected(password: Secret): string | null {
  if (!password.matches(/^[^\p{C}\ufffd]*$/u)) return "it has a control character, or is not UTF-8";
  if (!password.matches(new RegExp(`^.{${fewestCharacters},}$`, "u")))
    return `it has fewer than ${fewestCharacters} characters`;
  return Buffer.byteLength(normal(password)) > mostBytes ? `it has more than ${mostBytes} bytes` : null;
}

/** Browsers send a password in this form (RFC 7617), and a keyboard may compose it otherwise. */
const normal = (password: Secret): string => password.reveal().normalize("NFC");

/** Returns whether the file has a password. Throws UnknownStateError for a user who may not read it. */
export function hasPassword(reader: HostReader, slug: string): boolean {
  return linePattern.test(textOf(reader, passwordPath(slug)) ?? "");
}

/** Returns the lines that show a generated password; null if it is not the one in the file. */
export function generatedText(reader: HostReader, slug: string, { password }: Credential): string | null {
  // The plan of a user who may not read the file stores nothing.
  if (reader.uid !== 0 || password === undefined) return null;
  const [, user, hash] = linePattern.exec(textOf(reader, passwordPath(slug)) ?? "") ?? [];
  if (hash === undefined || !isSame(password, hash)) return null;
  return `User: ${user}\nPassword: ${password.reveal()}\nThe password is not shown again.\n`;
}

/**
 * Returns the resource of the file. `project` returns null for a project that is removed. An existing file stays unless
 * the credential differs from it, because a hash of the same password is another one each time.
 */
export function passwordFile(
  slug: string,
  project: (reader: HostReader) => Promise<Pick<Project, "password"> | null>,
  credential: Credential,
): Resource {
  const path = passwordPath(slug);
  const written = file({
    name: `password:${slug}`,
    title: `the password of ${slug} can be read only by root and nginx`,
    path,
    mode: passwordMode,
    owner: { user: 0, group: passwordGroup },
    text: async (reader) => {
      const { password: scope } = (await project(reader)) ?? {};
      return scope === undefined ? null : Text.of(await fileText(reader, slug, scope, credential), true);
    },
  });
  return {
    ...written,
    async check(reader, ahead, warn) {
      const isNeeded = (await project(reader))?.password !== undefined || reader.stat(path) !== null;
      const changes = isNeeded ? await written.check(reader, ahead, warn) : [];
      return changes.map((change) => {
        return "before" in change && change.before instanceof Text
          ? { ...change, before: new Text(change.before.bytes, true) }
          : change;
      }) as typeof changes;
    },
  };
}

async function fileText(
  reader: HostReader,
  slug: string,
  scope: NonNullable<Project["password"]>,
  { user, password, keepsExisting }: Credential,
): Promise<string> {
  const before = textOf(reader, passwordPath(slug)) ?? "";
  const [line, oldUser, hash] = linePattern.exec(before) ?? [];
  const name = user ?? oldUser ?? defaultUser;
  if (
    line !== undefined &&
    hash !== undefined &&
    (password === undefined || keepsExisting === true || isSame(password, hash))
  )
    return name === oldUser ? before : `${name}:${hash}\n`;
  if (password === undefined) {
    throw new Problem("not-found", `${passwordPath(slug)} has no password`, { hint: hintToSet(slug, scope) });
  }
  return `${name}:${await Bun.password.hash(normal(password), { algorithm: "bcrypt", cost })}\n`;
}

function isSame(password: Secret, hash: string): boolean {
  return /^\$2[aby]\$/.test(hash) && Bun.password.verifySync(normal(password), hash);
}

/** Returns the command that sets a new password. */
export function hintToSet(slug: string, scope: NonNullable<Project["password"]>): string[] {
  return ["sudo", "edox-ops", "project", "update", slug, "--password", scope, "--new-password"];
}
