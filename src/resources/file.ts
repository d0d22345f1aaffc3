import { type Change, root, Text } from "../engine/change.ts";
import type { Resource } from "../engine/step.ts";
import { type HostReader, hasAttributes } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import type { Warn } from "../problem/requirement.ts";
import { nameOf, parentOf } from "../text/path.ts";
import { missingDirectories } from "./directory.ts";
import { demandOwnWay, idsOf, type Owner, rootOwner } from "./owner.ts";

interface FileSpec {
  path: string;
  name: string;
  title: string;
  mode: number;
  /** Root by default. */
  owner?: Owner;
  /** Returns the desired content on this host, or null if the file should not exist. */
  text: (reader: HostReader, ahead: readonly Change[], warn: Warn) => Text | null | Promise<Text | null>;
  /** The directory for copies of foreign content that is replaced. Without it no copy is kept. */
  keepDir?: string;
}

/**
 * Returns a resource for a file with exactly this content. A copy of replaced content is kept under a name with its
 * digest. No symbolic link of a user other than root is followed on the way to the file.
 */
export function file({ path, name, title, mode, owner = rootOwner, text, keepDir }: FileSpec): Resource {
  return {
    name,
    title,
    async check(reader, ahead, warn) {
      const ids = await idsOf(reader, ahead, owner);
      demandOwnWay(reader, path);
      const after = await text(reader, ahead, warn);
      const stat = reader.stat(path);
      if (stat !== null && stat.type !== "file") {
        throw new Problem("conflict", `${path} is not a regular file: move it away`, { hint: ["ls", "-ld", path] });
      }
      // In a directory of another user, the name may lead elsewhere by now.
      const read = ids.uid === root.uid ? reader.read : (name: string) => reader.readOwn(name)?.bytes ?? null;
      const bytes = stat === null ? null : read(path);
      const before = bytes === null ? null : new Text(bytes);
      if (after === null)
        return before === null ? [] : [...keepCopy(reader, ahead, before), { kind: "removal", path, before }];
      const change: Change = { kind: "file", path, before, after, mode, ...ids };
      if (before === null || stat === null) return [change];
      if (!before.equals(after)) return [...keepCopy(reader, ahead, before), change];
      return hasAttributes(stat, change) ? [] : [change];
    },
  };

  /** The name is derived from the content, so that keeping the same content again changes nothing. */
  function keepCopy(reader: HostReader, ahead: readonly Change[], before: Text): Change[] {
    if (keepDir === undefined) return [];
    const digest = new Bun.CryptoHasher("sha256").update(before.bytes).digest("hex").slice(0, 12);
    const copy = `${keepDir}/${nameOf(path)}.${digest}`;
    if (reader.stat(copy) !== null) return [];
    // Others may not read the names of what an admin had.
    const above = missingDirectories(reader, ahead, parentOf(keepDir), { mode: 0o750 });
    const room = [...above, ...missingDirectories(reader, [...ahead, ...above], keepDir, { mode: 0o700 })];
    const change: Change = { kind: "file", path: copy, before: null, after: before, mode: 0o600, ...root };
    return [...room, change].map((each) => ({ ...each, keeps: true as const }));
  }
}
