// How GitLab tells hosts apart that have one runner: the name that gitlab-runner gives itself when it first starts.

import { Text } from "../engine/change.ts";
import { regularFile } from "../engine/facts.ts";
import type { Resource } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { file } from "../resources/file.ts";

const systemIdPath = "/etc/gitlab-runner/.runner_system_id";

/** Null where gitlab-runner has not made it yet, or would make another. */
export function systemIdOf(see: HostReader): string | null {
  const there = new TextDecoder().decode(regularFile(see, systemIdPath) ?? undefined).trim();
  return /^[sr]_[0-9a-zA-Z]{12}$/.test(there) ? there : null;
}

/** As gitlab-runner makes one where it finds no id of the machine. */
export function newSystemId(): string {
  return `r_${Buffer.from(crypto.getRandomValues(new Uint8Array(6))).toString("hex")}`;
}

/** The one that GitLab was told, null before it was, unless gitlab-runner has made its own meanwhile. */
export function systemIdFile(told: string | null): Resource {
  const made = file({
    name: "runner:system-id",
    title: "this host has a name of its own for GitLab",
    path: systemIdPath,
    mode: 0o600,
    // What a dry run cannot know it does not show.
    text: () => Text.of(told ?? "", told === null),
  });
  return {
    ...made,
    check: (see, ahead, warn) => (systemIdOf(see) !== null ? [] : made.check(see, ahead, warn)),
  };
}
