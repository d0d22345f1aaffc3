// The system ID by which GitLab distinguishes hosts that share a runner. gitlab-runner creates it on its first start.

import { Text } from "../../engine/change.ts";
import type { Resource } from "../../engine/step.ts";
import type { HostReader } from "../../host/host.ts";
import { regularFile } from "../../problem/regular-file.ts";
import { file } from "../../resources/file.ts";

const systemIdPath = "/etc/gitlab-runner/.runner_system_id";

/** Returns the system ID, or null if gitlab-runner has not created it yet or would replace it. */
export function systemIdOf(reader: HostReader): string | null {
  const there = new TextDecoder().decode(regularFile(reader, systemIdPath) ?? undefined).trim();
  return /^[sr]_[0-9a-zA-Z]{12}$/.test(there) ? there : null;
}

/** Returns a random system ID in the format that gitlab-runner uses if it finds no machine ID. */
export function newSystemId(): string {
  return `r_${Buffer.from(crypto.getRandomValues(new Uint8Array(6))).toString("hex")}`;
}

/**
 * Returns the file with the system ID that was sent to GitLab, or null before that. An ID that gitlab-runner has
 * created meanwhile stays.
 */
export function systemIdFile(systemId: string | null): Resource {
  const written = file({
    name: "runner:system-id",
    title: "this host has a unique system ID for GitLab",
    path: systemIdPath,
    mode: 0o600,
    // A dry run does not know the content, so it does not show it.
    text: () => Text.of(systemId ?? "", systemId === null),
  });
  return {
    ...written,
    check: (reader, ahead, warn) => (systemIdOf(reader) !== null ? [] : written.check(reader, ahead, warn)),
  };
}
