// The request to register a runner, and its result.

import type { Secret } from "../../text/secret.ts";
import type { CreatedRunner } from "./gitlab.ts";
import type { RegistrationServer } from "./gitlab-api.ts";
import type { Profile } from "./profile.ts";

/** More concurrent jobs are a typing error, because no host has the resources for them. */
export const mostConcurrent = 100_000;

/** The runner's own authentication token, a deprecated registration token, or an access token that creates a runner. */
export interface Credential {
  kind: "own" | "old" | "access";
  token: Secret;
  /**
   * The number of the project or group in GitLab that the runner is created for. Without either, it is an instance
   * runner.
   */
  project?: string | undefined;
  group?: string | undefined;
}

export interface Registration {
  server: RegistrationServer;
  credential: Credential;
  profile: Profile;
  /** The profile as it was typed, for the record. */
  profileName: string | null;
  concurrent?: number | undefined;
  /** Whether to remove a runner of the same name and server. */
  replaces: boolean;
  isProtected: boolean;
}

/** The result of a registration in GitLab, before anything is written on this host. */
export interface GrantedRunner extends CreatedRunner {
  systemId: string;
  /** Whether GitLab did not know it before. */
  isNew: boolean;
}

/** Returns the owner in GitLab of a runner that is created from here, or undefined if it was created in GitLab. */
export function ownerOf({ credential: { project, group, kind } }: Registration): string | undefined {
  if (kind !== "access") return undefined;
  return project !== undefined ? `project ${project}` : group !== undefined ? `group ${group}` : "instance";
}
