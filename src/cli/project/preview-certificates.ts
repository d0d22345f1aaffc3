// The certificates of single previews in a session. They never fail a command: the preview is live, or removed, already.

import { Problem } from "../../problem/problem.ts";
import { attemptRecipe } from "../../run/attempt.ts";
import type { Session } from "../../run/session.ts";
import { projectLockPath } from "../../sites/deploy/releases.ts";
import { servedPreviewFront } from "../../sites/previews/front.ts";
import { frontUrl } from "../../sites/serve/answer.ts";
import { readProjects, theProject } from "../../sites/store.ts";
import { lineOf } from "../../text/lines.ts";
import { editWaitMs } from "../run.ts";

/**
 * Obtains the certificate of a preview that no certificate for all previews covers, says how the preview is served, and
 * deletes the certificates that no preview needs. The caller holds the project's lock.
 */
export async function certifyPreview(session: Session, slug: string, name: string): Promise<void> {
  await warnOfFailure(session, `the certificate of preview ${name} was not obtained`, () =>
    obtain(session, slug, name),
  );
  await deleteUnusedCertificates(session, slug);
}

async function obtain(session: Session, slug: string, name: string): Promise<void> {
  const { host, again } = session;
  const project = await theProject(host, slug);
  if (project.previews !== "host" || project.preview_certificate !== undefined) return;
  const { previewAuthority, previewCertificate } = await import("../../certs/issue/previews.ts");
  const authority = previewAuthority(host, project);
  if ("reason" in authority) return;
  const { site } = authority;
  const options = { host, slug, name, site, again };
  const problem = await attemptRecipe(session, (facts) => previewCertificate(options, facts), editWaitMs);
  const front = servedPreviewFront(host, project, name);
  const url = frontUrl(front);
  const over = front.tls ? "HTTPS, with a certificate of its own" : "plain HTTP";
  const { deploy } = session.result().parts;
  if (deploy !== undefined) session.include({ deploy: { ...deploy, url } });
  session.say(lineOf`Preview ${name} of ${slug} is served over ${over}: ${url}`);
  if (problem !== null) await session.warn(`preview ${name} is served over ${over}: ${problem.message}`);
}

/** Deletes the certificates that no preview of a project needs. The caller holds the project's lock. */
export async function deleteUnusedCertificates(session: Session, slug: string): Promise<void> {
  const { host } = session;
  await warnOfFailure(session, `certificates of removed previews of ${slug} were not deleted`, async () => {
    const { lineagesDeleted, unusedPreviewLineages } = await import("../../certs/preview-lineages.ts");
    const found = unusedPreviewLineages(host, await theProject(host, slug));
    if (found.length === 0) return;
    const problem = await attemptRecipe(session, (facts) => lineagesDeleted(slug, found, facts), editWaitMs);
    if (problem !== null) throw problem;
  });
}

/** Deletes the certificates that no preview needs, of all projects or of one. */
export async function settleCertificates(session: Session, only: string | null): Promise<void> {
  const { host, options } = session;
  if (options.dryRun) return;
  await warnOfFailure(session, "certificates of removed previews were not deleted", async () => {
    const { unusedPreviewLineages } = await import("../../certs/preview-lineages.ts");
    for (const project of (await readProjects(host)).values()) {
      const { slug } = project;
      if ((only !== null && slug !== only) || unusedPreviewLineages(host, project).length === 0) continue;
      const release = await session.lock("project", projectLockPath(slug), editWaitMs);
      try {
        await deleteUnusedCertificates(session, slug);
      } finally {
        release();
      }
    }
  });
}

async function warnOfFailure(session: Session, subject: string, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    const { code, message } = Problem.of(error);
    if (code === "interrupted") throw error;
    await session.warn(`${subject}: ${message}`);
  }
}
