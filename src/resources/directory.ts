import { type Change, root } from "../engine/change.ts";
import { Problem, type Resource } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";

/** A directory of root's. Missing parents are made 0755; a link that root made to a directory is followed. */
export function directory(path: string, mode: number, name = `directory:${path}`): Resource {
  return {
    name,
    title: `${path} is there`,
    check(see, ahead) {
      const found = see.stat(path);
      if (found === null) return missingDirectories(see, ahead, path, mode);
      if (found.type === "link" && found.uid !== root.uid) throw blocked(`${path} is a link, and not root's`);
      // The kernel follows a link before a dot, however many lead to the directory.
      const real = found.type === "link" ? `${path}/.` : path;
      const stat = see.stat(real);
      if (stat?.type !== "directory") throw blocked(`${path} is not a directory: move it away`);
      if (stat.mode === mode && stat.uid === root.uid && stat.gid === root.gid) return [];
      const { uid, gid } = stat;
      return [{ kind: "directory", path: real, before: { mode: stat.mode, uid, gid }, mode, ...root }];
    },
  };

  function blocked(message: string): Problem {
    return new Problem("blocked", message, { hint: ["ls", "-ld", path] });
  }
}

/** What it takes that a directory is there: itself, and those above it that are not about to be made. */
export function missingDirectories(see: HostReader, ahead: readonly Change[], path: string, mode = 0o755): Change[] {
  const made = ahead.some((change) => change.kind === "directory" && change.path === path);
  if (path === "" || made || see.stat(path) !== null) return [];
  const above = missingDirectories(see, ahead, path.slice(0, path.lastIndexOf("/")));
  return [...above, { kind: "directory", path, before: null, mode, ...root }];
}
