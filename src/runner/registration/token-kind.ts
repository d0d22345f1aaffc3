// The kinds of GitLab tokens by their prefix. A token of the wrong kind is named by its kind, and never printed.

import type { Secret } from "../../text/secret.ts";

interface TokenKind {
  /** A regular expression that matches its prefix. */
  start: string;
  /** The name in GitLab's documentation. */
  name: string;
  /** The flag that accepts it. Without one, it cannot register a runner. */
  flag?: "--token" | "--access-token";
}

const kinds: readonly TokenKind[] = [
  { start: "glrt-", name: "a runner authentication token", flag: "--token" },
  { start: "glrtr-", name: "a runner authentication token", flag: "--token" },
  { start: "GR1348941", name: "a registration token", flag: "--token" },
  { start: "glpat-", name: "a personal, project or group access token", flag: "--access-token" },
  { start: "glptt-", name: "a pipeline trigger token" },
  { start: "glcbt-", name: "a CI/CD job token" },
  { start: "eyJ", name: "a JSON Web Token, as a job gets it in id_tokens" },
  { start: "gldt-", name: "a deploy token" },
  { start: "glft-", name: "a feed token" },
  { start: "glimt-", name: "an incoming mail token" },
  { start: "glagent-", name: "a token of the agent for Kubernetes" },
  { start: "glsoat-", name: "a SCIM token" },
  { start: "glffct-", name: "a feature flags client token" },
  { start: "gloas-", name: "the secret of an OAuth application" },
  { start: "glwt-", name: "a workspace token" },
];

/** Returns the kind of this token, or null for an unknown prefix: an administrator can choose it. */
export function tokenKind(token: Secret): TokenKind | null {
  return kinds.find(({ start }) => token.matches(new RegExp(`^${start}`))) ?? null;
}

/** Matches each token of a known kind in a text. */
export const anyToken = new RegExp(`\\b(?:${kinds.map(({ start }) => start).join("|")})[\\w.-]+`, "g");
