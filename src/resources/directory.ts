import { type Change, root } from "../engine/change.ts";
import type { Resource } from "../engine/step.ts";

/** A directory of root's. Missing parents are made 0755; a link that root made to a directory is followed. */
export function directory(path: string, mode: number, name = `directory:${path}`): Resource {
  return {
    name,
    title: `${path} is there`,
    check(see, ahead) {
      const real = see.stat(path)?.type === "link" ? (see.readLink(path) ?? path) : path;
      const stat = see.stat(real);
      if (stat === null) return [...parents(path, ahead), { kind: "directory", path, before: null, mode, ...root }];
      if (stat.type !== "directory") throw new Error(`${real} is not a directory: move it away`);
      if (stat.mode === mode && stat.uid === root.uid && stat.gid === root.gid) return [];
      const { uid, gid } = stat;
      return [{ kind: "directory", path: real, before: { mode: stat.mode, uid, gid }, mode, ...root }];

      function parents(child: string, known: readonly Change[]): Change[] {
        const parent = child.slice(0, child.lastIndexOf("/"));
        const made = known.some((change) => change.kind === "directory" && change.path === parent);
        if (parent === "" || made || see.stat(parent) !== null) return [];
        return [...parents(parent, known), { kind: "directory", path: parent, before: null, mode: 0o755, ...root }];
      }
    },
  };
}
