// The versions of a project as commands list them.

import type { HostReader } from "../../../host/host.ts";
import type { Trees } from "../../../host/trees.ts";
import type { Document } from "../../../report/schema.ts";
import { measureLive } from "../../../sites/deploy/live-tree.ts";
import type { Project } from "../../../sites/project.ts";
import { urlOf } from "../../../sites/serve/answer.ts";
import { readVersions, versionNamed, versionsOf } from "../../../sites/versions/versions.ts";
import { measuringMs } from "../list-view.ts";

type DescribedVersion = NonNullable<Document["versions"]>[number];

/** Returns the versions, newest first. The size of a tree that takes too long to measure, or cannot be read, is null. */
export function describeVersions(reader: HostReader, trees: Trees, project: Project): DescribedVersion[] {
  const { slug, default_version } = project;
  const found = readVersions(reader, slug);
  const preferred = default_version === undefined ? null : versionNamed(found, default_version);
  const end = reader.now() + measuringMs;
  return found.versions.map(({ name, title, aliases }, i) => {
    const path = `${versionsOf(slug)}/${name}`;
    const live = measured(reader, trees, path, (end - reader.now()) / (found.versions.length - i));
    return {
      ...{ version: name, title, aliases, is_default: name === preferred?.name },
      url: `${urlOf(project)}${name}/`,
      path,
      deployed: live?.deployedMs ? new Date(live.deployedMs).toISOString() : null,
      bytes: live?.isWhole ? live.bytes : null,
    };
  });
}

function measured(reader: HostReader, trees: Trees, path: string, limitMs: number): ReturnType<typeof measureLive> {
  try {
    return measureLive(reader, trees, path, limitMs);
  } catch {
    return null;
  }
}
