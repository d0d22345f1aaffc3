// What is wrong with the password of a site.

import type { HostReader } from "../../host/host.ts";
import type { Requirement } from "../../problem/requirement.ts";
import { gidOf } from "../../resources/group.ts";
import type { Fault } from "../health.ts";
import type { Project } from "../project.ts";
import { type After, requirement } from "../requirements.ts";
import { draftOf, projectFrom } from "../store.ts";
import { urlOf } from "./answer.ts";
import { hintToIssue } from "./certificate-hints.ts";
import { hasPassword, hintToSet, passwordGroup, passwordMode } from "./password.ts";
import { passwordPath } from "./password-lines.ts";

/** Returns the faults of a password, for doctor. Without its file, nginx refuses every reader. */
export function passwordFaults(reader: HostReader, project: Project): Fault[] {
  const { slug, password: scope } = project;
  if (scope === undefined) return [];
  const path = passwordPath(slug);
  const [stat, hint] = [reader.stat(path), hintToSet(slug, scope)];
  if (stat === null)
    return [{ detail: `${path} is missing: nginx refuses all readers`, hint, affects: urlOf(project) }];
  const faults: Fault[] = [];
  if (
    stat.type !== "file" ||
    stat.mode !== passwordMode ||
    stat.uid !== 0 ||
    stat.gid !== gidOf(reader, passwordGroup)
  ) {
    const detail = `${path} is not a file of root and the group ${passwordGroup} with the mode 0640`;
    faults.push({ detail, hint: hint.slice(0, -1), affects: `the password of ${slug}` });
  }
  if (isUnencrypted(project)) faults.push({ detail: unencrypted(project), hint: hintToIssue(project), mild: true });
  if (!hasPassword(reader, slug)) {
    faults.push({ detail: `${path} has no password: nginx refuses all readers`, hint, affects: urlOf(project) });
  }
  return faults;
}

/** A reverse proxy in front of nginx may end TLS. */
function isUnencrypted({ password, tls, real_ip_from }: Project): boolean {
  return password !== undefined && !tls && real_ip_from === undefined;
}

function unencrypted({ domain }: Project): string {
  return `the password of ${domain} is sent unencrypted over HTTP: anyone on the way can read it`;
}

/** Warns of a password that is sent over plain HTTP. */
export function encryptedPassword(slug: string, after: After): Requirement {
  return requirement(`the password of ${slug} is encrypted on its way`, async (reader, warn) => {
    const draft = after(await draftOf(reader, slug));
    if (draft === null || draft.password === undefined) return null;
    const project = await projectFrom(reader, slug, draft);
    if (isUnencrypted(project)) warn(unencrypted(project));
    return null;
  });
}
