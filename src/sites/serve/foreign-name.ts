// Finds foreign sites with the domain of a project. nginx serves a name only from the first file that has it.

import type { ServerBlock } from "../../nginx/config.ts";
import type { Unmet } from "../../problem/requirement.ts";
import type { Project } from "../project.ts";
import { vhostLinkPath, vhostPath } from "./site.ts";

/** Returns the foreign site that has the domain on a port of the project, with a command that shows it; or null. */
export function foreignName(
  servers: readonly ServerBlock[],
  { slug, domain, tls }: Pick<Project, "slug" | "domain" | "tls">,
): Required<Unmet> | null {
  const ports = tls ? ["80", "443"] : ["80"];
  const own = [vhostLinkPath(slug), vhostPath(slug)];
  const other = servers.find(({ path, names, listens }) => {
    return (
      !own.includes(path) && names.some((name) => isName(name, domain)) && listens.some(({ socket }) => isOn(socket))
    );
  });
  if (other === undefined) return null;
  const hint = ["grep", "-niF", domain, other.path];
  return { reason: `${other.path}:${other.line} has the name ${domain} too`, hint, code: "conflict" };

  function isOn(socket: string): boolean {
    return ports.some((port) => socket === port || socket === `[::]:${port}`);
  }
}

/**
 * Returns whether a name in nginx's configuration matches a domain. nginx compares in lower case. A leading dot makes
 * a name match itself and every name below it.
 */
function isName(written: string, domain: string): boolean {
  const [name, own] = [written.toLowerCase(), domain.toLowerCase()];
  return name === own || name === `.${own}`;
}
