// Reads an InRelease file: the digests of the package indexes, and its date. apt has verified its signature.

interface ReleaseFile {
  /** Unix seconds; null if it has no valid date. */
  seconds: number | null;
  /** The SHA-256 in hex of each index that it lists, by its path. */
  digests: ReadonlyMap<string, string>;
}

/** Parses the content of an InRelease or a Release file. */
export function releaseOf(text: string): ReleaseFile {
  const date = /^Date: (.+)$/m.exec(text)?.[1] ?? "";
  const ms = Date.parse(date);
  const section = /^SHA256:[ \t]*\n((?: .*\n?)+)/m.exec(text)?.[1] ?? "";
  const lines = section.matchAll(/^ ([0-9a-f]{64})[ \t]+\d+[ \t]+(\S+)$/gm);
  return {
    seconds: Number.isNaN(ms) ? null : Math.floor(ms / 1000),
    digests: new Map([...lines].map(([, digest = "", path = ""]) => [path, digest])),
  };
}
