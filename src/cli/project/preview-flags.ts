// The flags of a deploy that makes a preview.

import * as v from "valibot";
import { defaultExpiry, lifetimeOf } from "../../sites/previews/expiry.ts";
import { previewName } from "../../sites/previews/names.ts";
import { branch as branchSchema } from "../../sites/project.ts";
import { usage } from "../arguments.ts";
import type { Arguments, Values } from "../command.ts";

export const previewFlags = {
  preview: {
    type: "string",
    group: "Preview",
    valueHint: "name",
    completes: "preview",
    description: "Deploy to a preview with this name instead of the live site",
  },
  expires: {
    type: "string",
    group: "Preview",
    valueHint: "time",
    description: `Remove the preview after this time, for example 12h or 30d, or never; ${defaultExpiry} by default`,
  },
  branch: {
    type: "string",
    group: "Preview",
    valueHint: "name",
    description: "Branch that the preview is built from, for project previews list",
  },
} as const satisfies Arguments;

/** A preview as the flags describe it. */
export interface PreviewRequest {
  name: string;
  /** How long it is kept, in milliseconds; null for ever. */
  lifetimeMs: number | null;
  branch: string | null;
}

/** A preview has no backups. */
const backupFlags = ["keep", "no-backup"];

/** Returns the typed preview, or null without --preview. Throws a usage Problem for an invalid flag. */
export function previewOf(values: Values): PreviewRequest | null {
  const { preview, expires = defaultExpiry, branch } = values;
  if (preview === undefined) {
    const alone = ["expires", "branch"].find((flag) => values[flag] !== undefined);
    if (alone !== undefined) throw usage(`--${alone} needs --preview NAME`);
    return null;
  }
  const other = backupFlags.find((flag) => values[flag] !== undefined);
  if (other !== undefined) throw usage(`--preview and --${other} cannot be used together: a preview has no backups`);
  const name = previewNameOf(preview, "--preview");
  const lifetimeMs = lifetimeOf(String(expires));
  if (lifetimeMs === undefined) {
    throw usage(`invalid duration '${expires}' for --expires (for example 12h, 14d, at most 365d, or never)`);
  }
  if (branch === undefined) return { name, lifetimeMs, branch: null };
  const found = v.safeParse(branchSchema, branch);
  if (!found.success) throw usage(`invalid --branch '${branch}': ${found.issues[0].message}`);
  return { name, lifetimeMs, branch: found.output };
}

/** Returns the typed name. Throws a usage Problem for an invalid one. `typed`: the word or the flag. */
export function previewNameOf(value: Values[string], typed: string): string {
  const found = v.safeParse(previewName, value);
  if (!found.success) throw usage(`invalid ${typed} '${value}': ${found.issues[0].message}`);
  return found.output;
}
