// Reads an InRelease file: the package indexes that it lists, and its date. apt has verified its signature.

interface ReleaseFile {
  /** Unix seconds; null if it has no valid date. */
  seconds: number | null;
  /** Each file that it lists, by its path: its SHA-256 in hex, and its size. */
  files: ReadonlyMap<string, { sha256: string; bytes: number }>;
  /** Whether its files can be fetched by their digests, so that an update of the mirror does not replace them. */
  hasByHash: boolean;
  /** Whether the packages of all architectures have an index of their own, which apt reads beside the others. */
  hasAll: boolean;
}

/** Parses the content of an InRelease or a Release file. */
export function releaseOf(text: string): ReleaseFile {
  const field = (name: string): string | undefined => new RegExp(`^${name}:[ \\t]*(.+)$`, "m").exec(text)?.[1];
  const words = (name: string): string[] | undefined => field(name)?.trim().split(/\s+/);
  const date = field("Date") ?? "";
  const ms = Date.parse(date);
  const section = /^SHA256:[ \t]*\n((?: .*\n?)+)/m.exec(text)?.[1] ?? "";
  const lines = section.matchAll(/^ ([0-9a-f]{64})[ \t]+(\d+)[ \t]+(\S+)$/gm);
  return {
    seconds: Number.isNaN(ms) ? null : Math.floor(ms / 1000),
    files: new Map(
      [...lines].map(([, sha256 = "", bytes = "", path = ""]) => [path, { sha256, bytes: Number(bytes) }]),
    ),
    hasByHash: field("Acquire-By-Hash")?.trim() === "yes",
    hasAll:
      (words("Architectures")?.includes("all") ?? true) &&
      !words("No-Support-for-Architecture-all")?.includes("Packages"),
  };
}
