// A deploy to a preview, for the release of project deploy.

import { converge } from "../../engine/converge.ts";
import { type Facts, gatherFacts } from "../../engine/facts.ts";
import { snapshot } from "../../engine/snapshot.ts";
import type { Host } from "../../host/host.ts";
import type { Trees } from "../../host/trees.ts";
import { Problem } from "../../problem/problem.ts";
import { demandPermanent } from "../../problem/roots-alone.ts";
import type { Session } from "../../run/session.ts";
import type { Publication } from "../../sites/deploy/publish.ts";
import type { Destination } from "../../sites/deploy/requests.ts";
import { servedPreviewFront } from "../../sites/previews/front.ts";
import { listPreviews, type Preview } from "../../sites/previews/list.ts";
import { type PreviewMetadata, readMetadata, writeMetadata } from "../../sites/previews/metadata.ts";
import { mostPreviews, previewFront } from "../../sites/previews/names.ts";
import { previewNames } from "../../sites/previews/present.ts";
import { timerChanges, timerRecipe } from "../../sites/previews/timer.ts";
import { namesOf, type Project } from "../../sites/project.ts";
import { applyEdit, updateProject } from "../../sites/recipe.ts";
import { draftOf, projectFrom, readProjects, theProject } from "../../sites/store.ts";
import { previewTarget, siteTarget } from "../../sites/target.ts";
import { lineOf } from "../../text/lines.ts";
import type { Context } from "../context.ts";
import { certifyPreview } from "./preview-certificates.ts";
import type { PreviewRequest } from "./preview-flags.ts";
import type { ReleaseCommand } from "./release.ts";

interface PreviewDeploy {
  slug: string;
  preview: PreviewRequest;
  context: Context;
  /** Returns the release of the source to this destination. */
  releaseTo(destinationOf: (project: Project, host: Host) => Destination): ReleaseCommand;
}

/** Returns the release of a source as a preview. The first one of a project decides how previews are served. */
export function previewRelease({ slug, preview, context, releaseTo }: PreviewDeploy): ReleaseCommand {
  const { name } = preview;
  const key = context.variable("EDOX_OPS_KEY") ?? null;
  const plain = releaseTo((project, host) => destination(host, project, { ...preview, key }));
  const release: ReleaseCommand = {
    ...plain,
    title: (from) => `preview ${name} of ${slug} is deployed from ${from}`,
    action: `Deploying preview ${name} of ${slug}`,
    subject: `preview ${name} of ${slug}`,
    done: (from) => `Deployed preview ${name} of project ${slug} from ${from}.`,
    targetOf: () => previewTarget(slug, name),
    requestOf: (project, choices, ...on) => plain.requestOf(project, { ...choices, keep: 0, backup: false }, ...on),
    after: (session) => certifyPreview(session, slug, name),
  };
  return { ...release, resolve: (session) => resolve(session, { slug, name, release, context }) };
}

interface Unresolved {
  slug: string;
  name: string;
  release: ReleaseCommand;
  context: Context;
}

async function resolve(session: Session, { slug, name, release, context }: Unresolved): Promise<ReleaseCommand> {
  const { host } = session;
  const project = await theProject(host, slug);
  await demandRoomFor(host, await context.trees(), slug, name);
  const isTimed = (await timerChanges(host, context.program)).length === 0;
  if (!isTimed) demandPermanent(host, context.program, "expired previews would stay");
  const before = isTimed ? {} : { before: () => timerRecipe("project deploy", context.program) };
  const { previews } = project;
  if (previews !== undefined) {
    await demandFree(host, project, name);
    const { security, warnings, certificate } = await securityOf(host, project);
    session.say(lineOf`${servedNow(project, security)}`);
    const change = (facts: Facts) => publication(slug, { previews, preview_certificate: certificate }, facts);
    return { ...release, ...before, warnings, ...((await isPending(host, change)) && { publication: change }) };
  }
  const { chooseMode } = await import("./preview-mode.ts");
  const { mode, reason } = await chooseMode(host, project);
  const served = { ...project, previews: mode };
  await demandFree(host, served, name);
  const { security, warnings, certificate } = await securityOf(host, served);
  const front = previewFront(served, "NAME");
  session.say(
    lineOf`Previews of ${slug} are served at ${front.name}${front.path}: ${reason}.`,
    lineOf`${servedNow(project, security)}`,
  );
  return {
    ...release,
    ...before,
    warnings: [
      ...warnings,
      ...(mode === "path"
        ? [
            `links that begin with / lead out of a preview, whose pages are below /-/${name}/: build it with that base path, or add a DNS record for *.preview.${project.domain} (see Previews in the documentation)`,
          ]
        : []),
    ],
    publication: (facts) => publication(slug, { previews: mode, preview_certificate: certificate }, facts),
  };
}

/** Returns whether the change has an effect. A killed deploy may have recorded previews that nginx does not serve yet. */
async function isPending(host: Host, change: (facts: Facts) => Publication): Promise<boolean> {
  const found = await converge(change(gatherFacts(host)).recipe.steps, snapshot(host), {});
  return found.some(({ changes }) => changes.length > 0);
}

interface Security {
  /** How previews are served, and why. */
  security: string;
  warnings: string[];
  certificate: string | undefined;
}

/** Returns how previews are served, or how a disabled project is put online with them. */
function servedNow({ slug, enabled }: Project, security: string): string {
  return enabled ? security : `${slug} is disabled: its previews are served after edox-ops project enable ${slug}.`;
}

/**
 * Returns how the previews of a project are served. Without a certificate they use plain HTTP, because a deploy of a
 * preview does not fail for that.
 */
async function securityOf(host: Host, project: Project): Promise<Security> {
  const { previewSecurity } = await import("../../certs/preview-certificate.ts");
  const { securityFor } = await import("../../certs/preview-security.ts");
  const { previews, tls, preview_certificate } = project;
  if (previews === "path") {
    return { security: previewSecurity(project, null), warnings: [], certificate: preview_certificate };
  }
  const found = await securityFor(host, project);
  const security = previewSecurity(project, found);
  if ("each" in found) return { security, warnings: [], certificate: undefined };
  if ("lineage" in found) return { security, warnings: [], certificate: found.lineage };
  // A plan of a user who may not read the certificates keeps the recorded one.
  if (found.isUnknown) return { security, warnings: [], certificate: preview_certificate };
  const isWorse = tls || preview_certificate !== undefined;
  return {
    security,
    warnings: isWorse ? [`previews are served over plain HTTP: ${found.reason}`] : [],
    certificate: undefined,
  };
}

type PreviewChanges = Parameters<typeof updateProject>[1];

/** Returns the change of the record and the site with which nginx serves previews. */
function publication(slug: string, changes: PreviewChanges, facts: Facts): Publication {
  const recipe = updateProject(slug, changes, facts);
  const names = { id: "project.previews", title: `nginx serves the previews of ${slug}` };
  return {
    recipe: { ...recipe, steps: recipe.steps.map((step) => ({ ...step, ...names })) },
    projectIn: async (reader) => projectFrom(reader, slug, applyEdit((await draftOf(reader, slug)) ?? {}, changes)),
  };
}

/** Throws a Problem if the host name of the preview is that of a site. */
async function demandFree(host: Host, project: Project, name: string): Promise<void> {
  if (project.previews !== "host") return;
  const wanted = previewFront(project, name).name.toLowerCase();
  const holder = [...(await readProjects(host)).values()].find((each) => {
    return namesOf(each).some((other) => other.toLowerCase() === wanted);
  });
  if (holder === undefined) return;
  const hint = ["edox-ops", "project", "show", holder.slug];
  throw new Problem("conflict", `${wanted} is a name of project ${holder.slug}: choose another name`, { hint });
}

/** Throws a Problem for a new preview of a project that has the maximum already. */
async function demandRoomFor(host: Host, trees: Trees, slug: string, name: string): Promise<void> {
  const names = previewNames(host, slug);
  if (names.length < mostPreviews || names.includes(name)) return;
  const createdMs = ({ metadata, deployedMs }: Preview): number =>
    metadata === null ? (deployedMs ?? Number.POSITIVE_INFINITY) : Date.parse(metadata.created);
  const [oldest] = listPreviews(host, trees, slug).sort((a, b) => createdMs(a) - createdMs(b));
  const message = `${slug} has ${names.length} previews, which is the maximum: the oldest is ${oldest?.name}`;
  const hint = ["sudo", "edox-ops", "project", "previews", "remove", slug, oldest?.name ?? "NAME"];
  throw new Problem("limit-exceeded", message, { hint });
}

/** Returns what the deploy replaces. Its metadata is written before the swap, and each deploy renews the expiry. */
function destination(
  host: Host,
  project: Project,
  { name, lifetimeMs, branch, key }: PreviewRequest & Pick<PreviewMetadata, "key">,
): Destination {
  const { slug } = project;
  return {
    target: previewTarget(slug, name),
    base: siteTarget(project),
    front: servedPreviewFront(host, project, name),
    async prepare() {
      const now = host.now();
      const iso = (ms: number): string => new Date(ms).toISOString();
      const created = createdOf(host, slug, name) ?? iso(now);
      const expires = lifetimeMs === null ? null : iso(now + lifetimeMs);
      const undo = writeMetadata(host, slug, name, { created, expires, branch, key });
      return async () => undo();
    },
  };
}

/** Returns when an existing preview was created. Invalid metadata is replaced. */
function createdOf(host: Host, slug: string, name: string): string | null {
  try {
    return readMetadata(host, slug, name)?.created ?? null;
  } catch {
    return null;
  }
}
