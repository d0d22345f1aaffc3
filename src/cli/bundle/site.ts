// The sites of a bundle: [NAME=]DIRECTORY, by the rules of a deploy for what is never published.

import type { SiteTree } from "../../bundle/create/site-tar.ts";
import type { Host } from "../../host/host.ts";
import type { Trees } from "../../host/trees.ts";
import { Problem } from "../../problem/problem.ts";
import { slugRule, slug as slugSchema } from "../../sites/project.ts";
import { isSecret, isVersionDir } from "../../sites/source/secrets.ts";
import { openSource } from "../../sites/source/source-path.ts";
import { nameOf } from "../../text/path.ts";
import { usage } from "../arguments.ts";

/** Opens the directories that these values of --site name. The caller closes them. */
export async function openSites(host: Host, trees: Trees, typed: readonly string[]): Promise<SiteTree[]> {
  const { is } = await import("valibot");
  const sites: SiteTree[] = [];
  for (const each of typed) {
    const equals = each.indexOf("=");
    const isNamed = equals > 0 && !each.slice(0, equals).includes("/");
    const path = isNamed ? each.slice(equals + 1) : each;
    const opened = openSource(host, trees, path.replace(/(?<=.)\/+$/, ""), [host.uid]);
    const name = isNamed ? each.slice(0, equals) : nameOf(opened.real).toLowerCase();
    const fault = !is(slugSchema, name)
      ? usage(`invalid name '${name}' for --site ${each} (${slugRule}): use --site NAME=${path}`)
      : sites.some((site) => site.name === name)
        ? usage(`the site ${name} is given twice`)
        : opened.type !== "directory"
          ? usage(`--site ${path} is not a directory`)
          : null;
    if (fault !== null) {
      for (const site of [...sites, { opened }]) site.opened.close();
      throw fault;
    }
    sites.push({
      name,
      opened,
      includes(entry) {
        if (isVersionDir(entry.path)) return false;
        if (!isSecret(entry)) return true;
        const message = `the site ${name} is not bundled: by its name ${opened.real}/${entry.path} holds secrets`;
        throw new Problem("unsafe-source", message);
      },
    });
  }
  return sites;
}
