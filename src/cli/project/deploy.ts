import type { Host } from "../../host/host.ts";
import type { Destination } from "../../sites/deploy/requests.ts";
import type { Project } from "../../sites/project.ts";
import type { Selection } from "../../sites/source/secrets.ts";
import { usage } from "../arguments.ts";
import { contentFlags, withBundle, withoutBundle } from "../bundle-content.ts";
import { command, type Values } from "../command.ts";
import type { Context } from "../context.ts";
import { previewFlags, previewOf } from "./preview-flags.ts";
import { recordFlags, slugArgument, slugOf } from "./record.ts";
import { type ReleaseCommand, runRelease } from "./release.ts";
import { releaseFlags, sourceArgument, sourceFlags, sourceOf } from "./release-flags.ts";
import { versionFlags, versionToDeploy } from "./version-flags.ts";

/** Returns the release of the source to this destination: by default the site. */
export type ReleaseTo = (destinationOf?: (project: Project, host: Host) => Partial<Destination>) => ReleaseCommand;

const { "strict-urls": strictUrls, "no-strict-urls": noStrictUrls } = recordFlags;

/** Returns the release of the source that the flags describe. `destinationOf`: what it replaces if it is not the site. */
export function deployRelease(
  slug: string,
  values: Values,
  context: Context,
  destinationOf: (project: Project, host: Host) => Partial<Destination> = () => ({}),
): ReleaseCommand {
  const { bundle, subdir } = values as { bundle?: string; subdir?: string };
  const source = sourceOf(values);
  if (source !== undefined && bundle !== undefined) throw usage("--source and --bundle cannot be used together");
  // Links of root and of the user who ran sudo are trusted.
  const trusted = [0, Number(context.variable("SUDO_UID") ?? 0)];
  const given = {
    source: source ?? null,
    subdir: subdir ?? null,
    dereference: values.dereference === true,
    trusted,
    select: selectionOf(values),
  };
  return {
    id: "project.deploy",
    title: (from) => `${slug} is deployed from ${from}`,
    action: `Deploying ${slug}`,
    done: (from) => `Deployed project ${slug} from ${from}.`,
    async requestOf(project, choices, host, trees) {
      const { deployRequest } = await import("../../sites/deploy/requests.ts");
      const plain = { ...given, ...destinationOf(project, host) };
      if (bundle === undefined) return deployRequest(host, trees, { project, selection: plain, choices });
      const { siteIn } = await import("../../bundle/sites.ts");
      return withBundle(host, values, async (opened, warnings) => {
        const selection = { ...plain, source: siteIn(opened, slug) };
        const request = await deployRequest(host, trees, { project, selection, choices });
        return { ...request, notes: [...warnings, ...(request.notes ?? [])] };
      });
    },
  };
}

/**
 * Returns the included and excluded paths. Throws a usage Problem for a path that is not within the source, and for one
 * in both lists.
 */
export function selectionOf(values: Values): Selection {
  const [include, exclude] = [pathsOf("include", values), pathsOf("exclude", values)];
  const both = include.find((path) => exclude.includes(path));
  if (both !== undefined) throw usage(`--include and --exclude cannot both name '${both}'`);
  return { include, exclude };
}

function pathsOf(flag: string, values: Values): string[] {
  if (values[flag] === undefined) return [];
  return String(values[flag])
    .split(",")
    .map((typed) => {
      const names = typed.split("/").filter((name) => name !== "" && name !== ".");
      if (typed.startsWith("/") || names.length === 0 || names.includes("..")) {
        throw usage(`--${flag} '${typed}' is not a path within the source, such as .env or notes/private`);
      }
      return names.join("/");
    });
}

export default command({
  meta: {
    name: "deploy",
    description: "Deploy new files of a site",
    long: [
      "It copies the source beside the live files, and then swaps both atomically.",
      "The old files become a backup, and a page is requested afterwards.",
      "If the request fails, the previous release is restored.",
      "Without a source it deploys the one in the project's settings.",
      "Files that did not change are not copied again.",
      "With --preview the live site stays, and the files get an address of their own until they expire.",
    ],
    examples: [
      "sudo edox-ops project deploy docs public",
      "sudo edox-ops project deploy docs site.tar.gz --subdir public --keep 10",
      "tar -c -C public . | sudo edox-ops project deploy docs -",
      "sudo edox-ops project deploy docs public --dry-run --diff",
      "sudo edox-ops project deploy docs --bundle edox-trixie-amd64.tar",
      "sudo edox-ops project deploy docs public --as 1.4 --alias latest --default",
      "sudo edox-ops project deploy docs public --preview fix-7 --expires 3d",
    ],
  },
  args: {
    ...slugArgument,
    ...sourceArgument,
    ...sourceFlags,
    ...previewFlags,
    ...versionFlags,
    ...contentFlags("Publish the site of this name in an offline bundle"),
    "strict-urls": strictUrls,
    "no-strict-urls": noStrictUrls,
    ...releaseFlags,
  },
  async run(values, context) {
    const slug = slugOf(values);
    const [preview, version] = [previewOf(values), versionToDeploy(values)];
    const releaseTo: ReleaseTo = (destinationOf) => deployRelease(slug, values, context, destinationOf);
    return runRelease(slug, await release(), withoutBundle(values), context);

    async function release(): Promise<ReleaseCommand> {
      if (preview !== null && version !== null) throw usage("--preview and --as are mutually exclusive");
      if (preview !== null) {
        const { previewRelease } = await import("./preview-release.ts");
        return previewRelease({ slug, preview, context, releaseTo });
      }
      if (version === null) return releaseTo();
      const { versionRelease } = await import("./version-release.ts");
      return versionRelease({ slug, name: version, values, context, releaseTo });
    }
  },
});
