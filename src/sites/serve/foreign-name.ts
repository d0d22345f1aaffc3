// Finds foreign sites with a name of a project. nginx serves a name only from the first file that has it.

import type { ServerBlock } from "../../nginx/config.ts";
import type { Unmet } from "../../problem/requirement.ts";
import type { Project } from "../project.ts";
import { vhostLinkPath, vhostPath } from "./site.ts";

/** Returns a foreign site that has one of the names on a port of the project, with a command that shows it; or null. */
export function foreignName(
  servers: readonly ServerBlock[],
  { slug, tls }: Pick<Project, "slug" | "tls">,
  names: readonly string[],
): Required<Unmet> | null {
  const ports = tls ? ["80", "443"] : ["80"];
  const own = [vhostLinkPath(slug), vhostPath(slug)];
  const others = servers.filter(({ path, listens }) => {
    return !own.includes(path) && listens.some(({ socket }) => isOn(socket));
  });
  for (const name of names) {
    const other = others.find((each) => each.names.some((written) => isName(written, name)));
    if (other === undefined) continue;
    const hint = ["grep", "-niF", name, other.path];
    return { reason: `${other.path}:${other.line} has the name ${name} too`, hint, code: "conflict" };
  }
  return null;

  function isOn(socket: string): boolean {
    return ports.some((port) => socket === port || socket === `[::]:${port}`);
  }
}

/**
 * Returns a foreign site whose wildcard matches the host name of a preview, with a command that shows it; or null. nginx
 * prefers a wildcard to the regular expression of the previews.
 */
export function foreignWildcard(
  servers: readonly ServerBlock[],
  { slug }: Pick<Project, "slug">,
  preview: string,
): Required<Unmet> | null {
  const own = [vhostLinkPath(slug), vhostPath(slug)];
  for (const other of servers) {
    const name = own.includes(other.path) ? undefined : other.names.find((written) => isAbove(written, preview));
    if (name === undefined) continue;
    const hint = ["grep", "-niF", name, other.path];
    const reason = `${other.path}:${other.line} has the name ${name}, which includes ${preview}`;
    return { reason, hint, code: "conflict" };
  }
  return null;
}

function isAbove(written: string, name: string): boolean {
  const [, above] = /^\*?(\..+)$/.exec(written.toLowerCase()) ?? [];
  return above !== undefined && name.toLowerCase().endsWith(above);
}

/**
 * Returns whether a name in nginx's configuration matches a domain. nginx compares in lower case. A leading dot makes
 * a name match itself and every name below it.
 */
function isName(written: string, domain: string): boolean {
  const [name, own] = [written.toLowerCase(), domain.toLowerCase()];
  return name === own || name === `.${own}`;
}
