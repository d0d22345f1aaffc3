import { type Change, root } from "../engine/change.ts";
import type { Resource } from "../engine/step.ts";
import { type Attributes, type HostReader, hasAttributes } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import { parentOf } from "../text/path.ts";
import { demandOwnWay, idsOf, type Owner, rootOwner } from "./owner.ts";

/**
 * Returns a resource for a directory. Missing parents are created for root with mode 0755. A symbolic link to a
 * directory is followed if root owns the link.
 */
export function directory(path: string, mode: number, name = `directory:${path}`, owner: Owner = rootOwner): Resource {
  return {
    name,
    title: `${path} exists`,
    async check(reader, ahead) {
      const ids = await idsOf(reader, ahead, owner);
      demandOwnWay(reader, path);
      const found = reader.stat(path);
      if (found === null) return missingDirectories(reader, ahead, path, { mode, ...ids });
      if (found.type === "link" && found.uid !== root.uid) throw blockedProblem(`${path} is a link, and not root's`);
      // The kernel resolves a link before a trailing dot, through any number of further links.
      const real = found.type === "link" ? `${path}/.` : path;
      const stat = reader.stat(real);
      if (stat?.type !== "directory") throw blockedProblem(`${path} is not a directory: move it away`);
      if (hasAttributes(stat, { mode, ...ids })) return [];
      const { uid, gid } = stat;
      return [{ kind: "directory", path: real, before: { mode: stat.mode, uid, gid }, mode, ...ids }];
    },
  };

  function blockedProblem(message: string): Problem {
    return new Problem("conflict", message, { hint: ["ls", "-ld", path] });
  }
}

/**
 * Returns the changes that create a directory and its missing parents, except those that are planned already. By default
 * root owns it with mode 0755, as it owns the parents.
 */
export function missingDirectories(
  reader: HostReader,
  ahead: readonly Change[],
  path: string,
  attributes: Partial<Attributes> = {},
): Change[] {
  const isPlanned = ahead.some((change) => change.kind === "directory" && change.path === path);
  if (path === "" || isPlanned || reader.stat(path) !== null) return [];
  const above = missingDirectories(reader, ahead, parentOf(path));
  return [...above, { kind: "directory", path, before: null, mode: 0o755, ...root, ...attributes }];
}
