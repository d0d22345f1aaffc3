import { type Change, root, Text } from "../engine/change.ts";
import { Problem, type Resource, type Warn } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { missingDirectories } from "./directory.ts";

export interface Managed {
  path: string;
  name: string;
  title: string;
  mode: number;
  /** What it should hold on this host; null: it should not be there. */
  text: (see: HostReader, ahead: readonly Change[], warn: Warn) => Text | null | Promise<Text | null>;
  /** Where content that somebody else wrote is kept before it is replaced; without it nobody else's is there. */
  keepDir?: string;
}

/** A file of ours, root's, with exactly this content. What it replaces is kept, named by its digest. */
export function file({ path, name, title, mode, text, keepDir }: Managed): Resource {
  return {
    name,
    title,
    async check(see, ahead, warn) {
      const after = await text(see, ahead, warn);
      const stat = see.stat(path);
      if (stat !== null && stat.type !== "file") {
        throw new Problem("blocked", `${path} is not a regular file: move it away`, { hint: ["ls", "-ld", path] });
      }
      const bytes = stat === null ? null : see.read(path);
      const before = bytes === null ? null : new Text(bytes);
      if (after === null)
        return before === null ? [] : [...kept(see, ahead, before), { kind: "removal", path, before }];
      const change: Change = { kind: "file", path, before, after, mode, ...root };
      if (before === null || stat === null) return [change];
      if (!before.equals(after)) return [...kept(see, ahead, before), change];
      return stat.mode === mode && stat.uid === root.uid && stat.gid === root.gid ? [] : [change];
    },
  };

  /** Named by its content, so that keeping it twice is keeping it once. */
  function kept(see: HostReader, ahead: readonly Change[], before: Text): Change[] {
    if (keepDir === undefined) return [];
    const digest = new Bun.CryptoHasher("sha256").update(before.bytes).digest("hex").slice(0, 12);
    const copy = `${keepDir}/${path.slice(path.lastIndexOf("/") + 1)}.${digest}`;
    if (see.stat(copy) !== null) return [];
    const room = missingDirectories(see, ahead, keepDir, 0o700);
    const change: Change = { kind: "file", path: copy, before: null, after: before, mode: 0o600, ...root };
    return [...room, change].map((each) => ({ ...each, keeps: true as const }));
  }
}
