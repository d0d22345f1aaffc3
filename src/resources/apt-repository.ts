// Manages a third-party apt repository: its key, verified before it is written, and a source that pins the key's
// fingerprint, so that apt rejects every other key from then on.

import { type AptSource, aptSources, bareUri } from "../apt/sources.ts";
import { type Change, Text } from "../engine/change.ts";
import { fetchSmall } from "../engine/fetch.ts";
import { overlay } from "../engine/overlay.ts";
import type { Resource } from "../engine/step.ts";
import { type HostReader, UnknownStateError } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { Problem } from "../problem/problem.ts";
import { publicKeys } from "../signature/openpgp.ts";
import { parentOf } from "../text/path.ts";
import { missingDirectories } from "./directory.ts";
import { file } from "./file.ts";

export interface Repository {
  /** The product, as part of the resource names: "docker". */
  name: string;
  /** The vendor's own repository. */
  official: Omit<Place, "keyOrigin"> & { keyOrigin(uri: string): string };
  /** The mirror that the command line names. */
  mirror: Mirror;
  suite: string;
  component: string;
  architecture: string;
  keyPath: string;
  sourcePath: string;
  /** The directory for copies of replaced foreign files. */
  keepDir: string;
}

/** A mirror in place of the official repository. Each value is optional. */
export interface Mirror {
  uri?: string | undefined;
  /** A URL, or a file of this host. */
  key?: string | undefined;
  fingerprint?: string | undefined;
}

interface Place {
  /** The URL of the directory that contains `dists`, without a trailing slash. */
  uri: string;
  /** The fingerprint of the primary key, in upper-case hexadecimal. */
  fingerprint: string;
  /** Where the key comes from: a URL, or a file of this host. */
  keyOrigin: string;
}

const intro = "# Written by edox-ops. apt accepts only what this key has signed.";
const keysDir = "/etc/apt/keyrings";

/**
 * Returns the resources that remove older sources of the same repository, install the key, and write the source. They
 * must run in this order, so that apt stays usable in between.
 */
export function aptRepository(repository: Repository): { older: Resource; key: Resource; source: Resource } {
  const { name, sourcePath, keepDir } = repository;
  const source = file({
    name: `apt:source:${name}`,
    title: `apt has the repository of ${name}`,
    path: sourcePath,
    mode: 0o644,
    keepDir,
    text: (reader) => Text.of(sourceText(repository, placeOf(reader, repository))),
  });
  return { older: older(repository), key: key(repository), source };
}

/**
 * Returns where the repository is for this host. A typed value takes precedence over one chosen earlier, and that over
 * the official one.
 */
export function placeOf(
  reader: HostReader,
  { sourcePath, mirror, official }: Pick<Repository, "sourcePath" | "mirror" | "official">,
): Place {
  const chosen = chosenRepository(reader, sourcePath);
  const uri = mirror.uri ?? chosen?.uri ?? official.uri;
  const fingerprint = mirror.fingerprint ?? chosen?.fingerprint ?? official.fingerprint;
  return { uri, fingerprint, keyOrigin: mirror.key ?? official.keyOrigin(uri) };
}

/** Returns the repository that an earlier run wrote, possibly a mirror, or null. */
export function chosenRepository(reader: HostReader, sourcePath: string): Pick<Place, "uri" | "fingerprint"> | null {
  const text = textOf(reader, sourcePath) ?? "";
  const uri = /^URIs: (\S+)$/m.exec(text)?.[1];
  const fingerprint = /^Signed-By: \S+ ([0-9A-F]{40,64})$/m.exec(text)?.[1];
  return text.startsWith(intro) && uri && fingerprint ? { uri, fingerprint } : null;
}

function sourceText({ suite, component, architecture, keyPath }: Repository, { uri, fingerprint }: Place): string {
  const lines = [
    intro,
    "Types: deb",
    `URIs: ${uri}`,
    `Suites: ${suite}`,
    `Components: ${component}`,
    `Architectures: ${architecture}`,
    `Signed-By: ${keyPath} ${fingerprint}`,
  ];
  return `${lines.join("\n")}\n`;
}

/** Two sources of one repository with different keys block apt completely: it reads none of its sources any more. */
function older(repository: Repository): Resource {
  const { name, sourcePath, keyPath, keepDir } = repository;
  return {
    name: `apt:older-sources:${name}`,
    title: `no other source names the repository of ${name}`,
    async check(reader, ahead, warn) {
      const all = aptSources(reader);
      const { uri } = placeOf(reader, repository);
      const isSameSource = (source: AptSource): boolean =>
        source.path !== sourcePath && bareUri(source.uri) === bareUri(uri);
      const changes: Change[] = [];
      const remove = async (path: string) => {
        const absentFile = file({ path, name: path, title: "", mode: 0o644, keepDir, text: () => null });
        changes.push(...(await absentFile.check(reader, [...ahead, ...changes], warn)));
      };
      for (const path of new Set(all.filter(isSameSource).map((source) => source.path))) {
        const other = all.find((source) => source.path === path && !isSameSource(source));
        if (other !== undefined) {
          const message = `${path} names ${uri} besides ${other.title}: remove that entry; edox-ops writes ${sourcePath}`;
          throw new Problem("conflict", message, { hint: ["cat", "-n", path] });
        }
        await remove(path);
      }
      const left = aptSources(overlay(reader, changes)).flatMap(({ keyPaths }) => keyPaths);
      for (const path of new Set(all.filter(isSameSource).flatMap(({ keyPaths }) => keyPaths))) {
        // A key that another source needs, or that is part of a package, is not removed.
        const replaceable =
          path.startsWith(`${keysDir}/`) || /^\/usr\/share\/keyrings\/[\w.-]*archive-keyring/.test(path);
        if (path !== keyPath && replaceable && !left.includes(path) && reader.stat(path) !== null) await remove(path);
      }
      return changes;
    },
  };
}

function key(repository: Repository): Resource {
  const { name, keyPath, keepDir } = repository;
  return {
    name: `apt:key:${name}`,
    title: `the key of ${name} has the pinned fingerprint, and has not expired`,
    async check(reader, ahead, warn) {
      const place = placeOf(reader, repository);
      const there = reader.statTarget(keyPath) === null ? null : reader.read(keyPath);
      const isUsable = there !== null && keyFault(there, place.fingerprint, reader.now()) === null;
      const bytes = isUsable ? there : await pinnedKey(reader, name, place);
      const written = file({
        path: keyPath,
        name: keyPath,
        title: "",
        mode: 0o644,
        keepDir,
        text: () => new Text(bytes),
      });
      const changes = await written.check(reader, ahead, warn);
      if (changes.length === 0) return [];
      return [...missingDirectories(reader, ahead, parentOf(keyPath)), ...changes];
    },
  };
}

/**
 * Fetches the key of a repository in ASCII armor. `name`: the product, for messages. Throws a Problem if the key has
 * another fingerprint or has expired.
 */
export async function pinnedKey(
  reader: HostReader,
  name: string,
  { fingerprint, keyOrigin }: Pick<Place, "fingerprint" | "keyOrigin">,
): Promise<Uint8Array> {
  const bytes = await keyFrom(reader, keyOrigin);
  const why = keyFault(bytes, fingerprint, reader.now());
  if (why === null) return bytes;
  throw new Problem("invalid-signature", `the key of ${name} from ${keyOrigin} is refused: ${why}`, {
    hint: keyOrigin.startsWith("/") ? ["gpg", "--show-keys", keyOrigin] : ["curl", "-fsSL", keyOrigin],
  });
}

/** Returns why these bytes are not the key with the fingerprint, or null. `now`: Unix milliseconds. */
function keyFault(bytes: Uint8Array, fingerprint: string, now: number): string | null {
  const found = publicKeys(bytes).filter(({ isPrimary }) => isPrimary);
  const pinned = found.find((each) => each.fingerprint === fingerprint);
  if (pinned === undefined) {
    const others = found.map((each) => each.fingerprint).join(", ") || "no OpenPGP key";
    return `it is ${others}, and not ${fingerprint}`;
  }
  if (pinned.expiresMs === null || pinned.expiresMs > now) return null;
  return `${fingerprint} expired on ${new Date(pinned.expiresMs).toISOString().slice(0, 10)}`;
}

/**
 * Returns the key in ASCII armor. apt expects armor in a file whose name ends in .asc, so a binary key is converted.
 */
async function keyFrom(reader: HostReader, origin: string): Promise<Uint8Array> {
  const bytes = origin.startsWith("/") ? reader.read(origin) : await downloadKey(reader, origin);
  if (bytes === null) throw new Problem("not-found", `${origin} does not exist`, { hint: ["ls", "-l", origin] });
  return Buffer.from(bytes).includes("-----BEGIN PGP ") ? bytes : new TextEncoder().encode(isArmored(bytes));
}

async function downloadKey(reader: HostReader, url: string): Promise<Uint8Array> {
  const { status, reason, body } = await fetchSmall(reader, url);
  if (status === 200) return body;
  const why = status === 0 ? reason : `it answers ${status}`;
  throw new UnknownStateError(`${url} could not be fetched: ${why}`, ["curl", "-fsSLI", url]);
}

/** The format of RFC 9580, 6.2. The checksum is optional. */
function isArmored(bytes: Uint8Array): string {
  const lines =
    Buffer.from(bytes)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n${lines.join("\n")}\n-----END PGP PUBLIC KEY BLOCK-----\n`;
}
