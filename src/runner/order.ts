// What is asked for when a runner is registered, and what came of it.

import type { Registered, Server } from "./gitlab.ts";
import type { Profile } from "./profile.ts";

/** More jobs at once are a typing error: no host has room for them. */
export const mostConcurrent = 100_000;

/** A token of the runner's own, one of old that makes a runner, or an access token that does. */
export interface Credential {
  kind: "own" | "old" | "access";
  token: string;
  /** The number of the project or group in GitLab that the runner is made for; neither: for all of it. */
  project?: string | undefined;
  group?: string | undefined;
}

export interface Order {
  server: Server;
  credential: Credential;
  profile: Profile;
  /** As it was typed, for the record. */
  profileName: string | null;
  concurrent?: number | undefined;
  /** One of the same name and server is no longer wanted. */
  replaces: boolean;
  isProtected: boolean;
}

/** What a registration came to, before anything is written here. */
export interface Admitted extends Registered {
  systemId: string;
  /** It was not known to GitLab before. */
  isNew: boolean;
}

/** Whom the runner is made for in GitLab, or nothing where it is made there. */
export function ownerOf({ credential: { project, group, kind } }: Order): string | undefined {
  if (kind !== "access") return undefined;
  return project !== undefined ? `project ${project}` : group !== undefined ? `group ${group}` : "instance";
}
