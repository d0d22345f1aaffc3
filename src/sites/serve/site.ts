// What a project consists of on a host besides its tree: a record, an nginx site and a symlink. They change together or
// not at all.

import { type Change, Text } from "../../engine/change.ts";
import type { Facts } from "../../engine/facts.ts";
import { overlay } from "../../engine/overlay.ts";
import { projectsPath, replacedDir, stateDir } from "../../engine/paths.ts";
import type { Resource, Step } from "../../engine/step.ts";
import type { HostReader } from "../../host/host.ts";
import {
  acmeDir,
  brotliPath,
  catchAllPath,
  clientsPath,
  limitsPath,
  rulesDir,
  sitesEnabledDir,
  sitesIncludePath,
  tlsPath,
  typesPath,
} from "../../nginx/paths.ts";
import { brotli, clients, contentTypes, limits, nginxService, tlsSettings, unknownNames } from "../../nginx/recipe.ts";
import { sitesRead } from "../../nginx/sites.ts";
import { hasHttp2Parameter } from "../../nginx/version.ts";
import { directory } from "../../resources/directory.ts";
import { file } from "../../resources/file.ts";
import { isActive } from "../../resources/service.ts";
import type { Draft, Project } from "../project.ts";
import { servedRules } from "../rules/dormant.ts";
import { rulePaths, rulesAbsent, rulesPresent, textsFor } from "../rules/resources.ts";
import type { Rules } from "../rules/rules.ts";
import { draftOf, projectFrom, recordsText } from "../store.ts";
import { servedVersions } from "../versions/served.ts";
import { accessLog } from "./access-log.ts";
import { certificateDirOf, certifiedPreviews, hasCertificate, previewCertificateDir } from "./certificate-files.ts";
import { type Credential, passwordFile } from "./password.ts";
import { vhostText } from "./vhost.ts";
import { vhostLinkPath, vhostPath } from "./vhost-paths.ts";

export { vhostLinkPath, vhostPath };

export interface Transition {
  id: string;
  title: string;
  slug: string;
  /** Returns the new record; null to remove it. It is idempotent: applied to its own result, it returns the same. */
  after(before: Draft | null): Draft | null;
  /** Whether the site is disabled by this step. */
  leaves?: true;
  /** Whether the file of the site stays when the project is removed. */
  keepsVhost?: boolean;
  certificate?: Promised | undefined;
  /** A new user or password of the site. */
  credential?: Credential | undefined;
}

/** An earlier step of the same run obtains the certificate, so that its files may not exist yet. */
export type Promised = "promised";

/** What differs from the host as it is: a certificate to come, or the rules of a tree that is not live yet. */
interface Ahead {
  certificate?: Promised | undefined;
  rules?: Rules | null;
}

/** Returns the text of the nginx site that this host needs. */
export function siteText(reader: HostReader, project: Project, facts: Facts, ahead: Ahead = {}): string {
  const { certificate, rules = servedRules(reader, project) } = ahead;
  const isServed = project.tls && (certificate === "promised" || hasCertificate(reader, project));
  return vhostText(project, {
    ipv6: facts.ipv6,
    certificateDir: isServed ? certificateDirOf(project) : null,
    previewCertificateDir: previewCertificateDir(reader, project),
    certifiedPreviews: certifiedPreviews(reader, project),
    rules: rules !== null,
    http2Parameter: hasHttp2Parameter(reader, facts),
    versions: servedVersions(reader, project),
  });
}

export function vhostFile(
  slug: string,
  text: (reader: HostReader, ahead: readonly Change[]) => Promise<Text | null>,
): Resource {
  return file({
    name: `vhost:${slug}`,
    title: `the nginx site of ${slug} matches its record`,
    path: vhostPath(slug),
    mode: 0o644,
    keepDir: replacedDir,
    text,
  });
}

/** Returns the step that changes the record and the nginx site, enables or disables it, and reloads nginx. */
export function projectStep(
  { id, title, slug, after, leaves, keepsVhost, certificate, credential = {} }: Transition,
  facts: Facts,
): Step {
  const becomes = async (reader: HostReader): Promise<Project | null> => {
    const draft = after(await draftOf(reader, slug));
    return draft === null ? null : projectFrom(reader, slug, draft);
  };
  const serves = when(async (reader) => leaves !== true && (await becomes(reader))?.enabled === true);
  // Disabling a site does not need its password. Its file is removed last, when nginx no longer reads it.
  const hasPassword = when(async (reader) => leaves !== true && (await becomes(reader))?.password !== undefined);
  const hasNone = when(async (reader) => after(await draftOf(reader, slug))?.password === undefined);
  const isRemoved = when(async (reader) => after(await draftOf(reader, slug)) === null);
  const isKept = when(async (reader) => after(await draftOf(reader, slug)) !== null);
  const isGone = keepsVhost === true ? when(() => false) : isRemoved;
  const record = recordFile(slug, title, async (reader) => {
    // Disabling a site does not need a valid record.
    if (leaves !== true) return becomes(reader);
    return after(await draftOf(reader, slug));
  });
  const shared = [limitsPath, clientsPath, typesPath, tlsPath, brotliPath, catchAllPath, sitesIncludePath];
  const paths = [...shared, rulesDir, ...rulePaths(slug), vhostPath(slug), sitesEnabledDir];
  const texts = async (reader: HostReader) => {
    const project = await becomes(reader);
    return project && textsFor(project, servedRules(reader, project));
  };

  return {
    id,
    title,
    resources: [
      directory(stateDir, 0o750, `state:${stateDir}`),
      isKept(record),
      serves(directory(acmeDir, 0o755)),
      serves(sitesRead),
      serves(limits),
      serves(clients),
      serves(contentTypes),
      serves(tlsSettings(facts)),
      serves(brotli),
      serves(accessLog(slug)),
      hasPassword(passwordFile(slug, becomes, credential)),
      serves(rulesPresent(slug, texts)),
      serves(
        vhostFile(slug, async (reader, ahead) => {
          const project = await becomes(reader);
          // A step may change aliases of versions as well.
          return project && Text.of(siteText(overlay(reader, ahead), project, facts, { certificate }));
        }),
      ),
      serves(link(slug, vhostPath(slug))),
      serves(rulesAbsent(slug, texts)),
      ...(leaves
        ? [
            link(slug, null),
            isGone(vhostFile(slug, async () => null)),
            isGone(rulesAbsent(slug, async () => null)),
            ifInstalled(tlsSettings(facts)),
            ifInstalled(unknownNames(facts)),
          ]
        : []),
      serves(unknownNames(facts)),
      serves(nginxService(paths)),
      ...(leaves ? [ifRuns(nginxService([sitesEnabledDir], { mayWait: waits }))] : []),
      hasNone(passwordFile(slug, async () => null, {})),
      // A removal that is killed before its end can be repeated, because the project is still registered.
      isRemoved(record),
    ],
  };
}

/** Returns the resource that stores this record; null for no record. */
export function recordFile(
  slug: string,
  title: string,
  record: (reader: HostReader) => Promise<Draft | null>,
): Resource {
  return file({
    name: `project:${slug}`,
    title,
    path: projectsPath,
    mode: 0o600,
    async text(reader) {
      const current = await record(reader);
      return reader.stat(projectsPath) === null && current === null ? null : recordsText(reader, slug, current);
    },
  });
}

const waits = "nginx keeps its loaded configuration until the one on disk is valid (nginx -t)";

/** Returns a resource that applies only under a condition. */
function when(condition: (reader: HostReader) => boolean | Promise<boolean>) {
  return (resource: Resource): Resource => ({
    ...resource,
    async check(reader, ahead, warn) {
      return (await condition(reader)) ? resource.check(reader, ahead, warn) : [];
    },
  });
}

const ifInstalled = when((reader) => reader.stat(sitesEnabledDir) !== null);
const ifRuns = when((reader) => isActive(reader, "nginx"));

/** The symlink that makes nginx serve the site. */
function link(slug: string, after: string | null): Resource {
  const path = vhostLinkPath(slug);
  return {
    name: `link:${slug}`,
    title: after === null ? `${slug} is not served` : `${slug} is served`,
    check(reader): Change[] {
      const before = reader.readLink(path);
      if (before === after && (after !== null || reader.stat(path) === null)) return [];
      return [{ kind: "link", path, before, after }];
    },
  };
}
