// Opens the tree whose links are checked: the live one, or the one that a deploy would publish.

import type { Host } from "../../host/host.ts";
import { Listing } from "../../host/listing.ts";
import type { Trees } from "../../host/trees.ts";
import { Problem } from "../../problem/problem.ts";
import { withFlag } from "../../text/with-flag.ts";
import type { DeployRequest } from "../deploy/plan.ts";
import { withRelease } from "../deploy/release.ts";
import { type Choices, deployRequest } from "../deploy/requests.ts";
import type { Project } from "../project.ts";
import { survey } from "../source/source.ts";
import { siteTarget } from "../target.ts";
import { readVersions } from "../versions/versions.ts";
import { answeredElsewhere } from "./elsewhere.ts";
import { type CheckedTree, checkLinks, type LinkReport } from "./link-check.ts";
import { References } from "./reference.ts";

type Selection = Parameters<typeof deployRequest>[2]["selection"];

interface Check {
  project: Project;
  /** What would be deployed; null for the live tree. */
  selection: Selection | null;
  again: readonly string[];
  pause: () => Promise<void>;
}

const rootUid = 0;

/** Checks the links of a project. A source is opened, selected and unpacked as for a dry run of a deploy. */
export async function checkSite(host: Host, trees: Trees, check: Check): Promise<LinkReport> {
  const { project, selection, again, pause } = check;
  const target = siteTarget(project);
  const checkTree = (
    tree: Pick<CheckedTree, "dir" | "entries" | "links">,
    { select, ignoresRefusedRules }: Pick<DeployRequest, "select" | "ignoresRefusedRules">,
  ): Promise<LinkReport> => {
    const asked = { project, target, dir: tree.dir, select, ignoresRefusedRules, again };
    const isRedirected = answeredElsewhere(trees, asked);
    const references = new References(project);
    return checkLinks(trees, { ...tree, references, isRedirected, pause });
  };
  if (selection === null) {
    // Rules of the live tree that are refused have no effect.
    return checkTree(await liveTreeOf(host, trees, project, again), { ignoresRefusedRules: true });
  }
  const choices: Choices = {
    ...{ keep: 0, backup: true, allowEmpty: true, asks: false, dryRun: true },
    again,
    pauseForSignals: pause,
  };
  const requestOf = () => deployRequest(host, trees, { project, selection, choices });
  return withRelease({ target, dryRun: true, host, trees }, requestOf, async ({ request }) => {
    if (request === null) throw new Problem("internal", "internal error: a deploy has a source");
    const { dir, entries, links } = await survey(trees, request, rootUid, host.now());
    return checkTree({ dir, entries, links }, request);
  });
}

async function liveTreeOf(
  host: Host,
  trees: Trees,
  { slug, root_path: dir }: Project,
  again: readonly string[],
): Promise<Pick<CheckedTree, "dir" | "entries" | "links">> {
  const entries = trees.entry(dir)?.type === "directory" ? await Listing.of(trees, dir) : null;
  const hint = withFlag(again, "--source", "DIRECTORY");
  // The first entry is the tree itself.
  const isEmpty = entries === null || entries.length === 1;
  if (isEmpty && readVersions(host, slug).versions.length > 0) {
    throw new Problem("not-found", `${slug} has versions only: pass the source of one`, { hint });
  }
  if (entries === null) throw new Problem("not-found", `${slug} is not deployed: ${dir} is missing`, { hint });
  const links = new Map<string, string>();
  for (const batch of entries.batches()) {
    for (const { path, type } of batch) if (type === "link") links.set(path, trees.linkTarget(`${dir}/${path}`));
  }
  return { dir, entries, links };
}
