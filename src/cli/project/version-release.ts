// Deploys a source as a version of a site.

import type { HostReader } from "../../host/host.ts";
import type { Trees } from "../../host/trees.ts";
import type { Project } from "../../sites/project.ts";
import { urlOf, versionFront } from "../../sites/serve/answer.ts";
import { versionTarget } from "../../sites/target.ts";
import { indexName } from "../../sites/versions/names.ts";
import { versionPublication } from "../../sites/versions/recipe.ts";
import { baseOf, pendingRename } from "../../sites/versions/trees.ts";
import { readVersions } from "../../sites/versions/versions.ts";
import { usage } from "../arguments.ts";
import type { Values } from "../command.ts";
import type { Context } from "../context.ts";
import type { ReleaseTo } from "./deploy.ts";
import type { ReleaseCommand } from "./release.ts";
import { versionNameOf, wordingOf } from "./version-flags.ts";

interface VersionDeploy {
  slug: string;
  name: string;
  values: Values;
  context: Context;
  /** Returns the release of the source to a destination. */
  releaseTo: ReleaseTo;
}

/** Returns the release of a source as the version of this name. */
export async function versionRelease(deploy: VersionDeploy): Promise<ReleaseCommand> {
  const { slug, name, values, context, releaseTo } = deploy;
  const typed = values.alias === undefined ? [] : String(values.alias).split(",");
  const aliases = [...new Set(typed.map((alias) => versionNameOf(alias, "--alias")))];
  if (aliases.includes(name)) throw usage(`--alias cannot be the name of the version itself, '${name}'`);
  const title = values.title as string | undefined;
  if (title !== undefined && !/^[^\p{C}]{1,200}$/u.test(title)) {
    throw usage("--title needs 1 to 200 printable characters");
  }
  const host = await context.host();
  const change = {
    ...{ slug, added: name, title },
    aliases: new Map(aliases.map((alias) => [alias, name])),
    ...(values.default === true && { defaultName: aliases[0] ?? name }),
  };
  const release = releaseTo((project, reader) => ({
    target: versionTarget(slug, name),
    base: baseOf(reader, project, name),
    front: versionFront(project, name),
  }));
  return {
    ...release,
    ...wordingOf(slug, name),
    title: (from) => `version ${name} of ${slug} is deployed from ${from}`,
    action: `Deploying ${slug} ${name}`,
    done: (from) => `Deployed version ${name} of project ${slug} from ${from}.`,
    publication(facts) {
      const renamed = pendingRename(host, slug);
      return versionPublication({ ...change, ...(renamed && { renamed }) }, facts);
    },
    async requestOf(project, choices, changed, trees) {
      const request = await release.requestOf(project, choices, changed, trees);
      if (request === null) return null;
      const notes = [
        ...aliasNotes(changed, slug, name, aliases),
        ...treeNotes(changed, trees, { project, name, dir: request.dir }),
      ];
      return { ...request, notes: [...(request.notes ?? []), ...notes] };
    },
  };
}

function aliasNotes(reader: HostReader, slug: string, name: string, aliases: readonly string[]): string[] {
  const found = readVersions(reader, slug);
  return aliases.flatMap((alias) => {
    const before = found.aliases.get(alias);
    return before === undefined || before === name ? [] : [`the alias ${alias} moves from ${before} to ${name}`];
  });
}

/** Returns what may surprise about the trees: an address that the version takes over, or a second list of versions. */
function treeNotes(
  reader: HostReader,
  trees: Trees,
  { project, name, dir }: { project: Project; name: string; dir: string },
): string[] {
  const { root_path, default_version } = project;
  const hides = ["", ".html"].map((end) => `${root_path}/${name}${end}`).find((path) => reader.stat(path) !== null);
  return [
    ...(hides === undefined ? [] : [`the version is served at /${name}/ in place of ${hides}`]),
    ...(trees.entry(`${dir}/${indexName}`) === null
      ? []
      : [`the source has a ${indexName}: a tree of several versions, as mike makes it, is deployed without --as`]),
    ...(default_version !== undefined || reader.statTarget(`${root_path}/index.html`) !== null
      ? []
      : [`${urlOf(project)} has no page: make a version the default with --default`]),
  ];
}
