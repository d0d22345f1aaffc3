// The flags of a command that replaces a project's tree.

import { mostKept } from "../../sites/deploy/releases.ts";
import type { Choices } from "../../sites/deploy/requests.ts";
import { usage } from "../arguments.ts";
import type { Arguments, Values } from "../command.ts";
import { editFlags, outputFlags } from "../flags.ts";
import { waitOf } from "../wait.ts";

/** The flags for the source of a tree. */
export const sourceFlags = {
  source: {
    type: "string",
    valueHint: "path",
    completes: "file",
    description: "a directory, a .tar, .tar.gz, .tar.zst or .zip, or - for a tar on stdin",
  },
  subdir: { type: "string", valueHint: "directory", description: "the part of it that is the site" },
  exclude: {
    type: "string",
    valueHint: "path,...",
    description: "Leave out these files and directories of the source",
  },
  include: {
    type: "string",
    valueHint: "path,...",
    description: "Publish these although their names are those of secrets or of version control data",
  },
  dereference: {
    type: "boolean",
    description: "Replace links that lead out of it by what they lead to, as far as its owner may read that",
  },
} as const satisfies Arguments;

export const releaseFlags = {
  keep: { type: "string", valueHint: "number", description: "how many backups stay, 5 without it" },
  wait: { type: "string", valueHint: "time", description: "wait so long for another deploy of the project: 60s, 5m" },
  "no-backup": { type: "boolean", description: "do not keep the tree that is replaced" },
  "no-probe": { type: "boolean", description: "do not fetch the page afterwards" },
  "allow-empty": { type: "boolean", description: "publish a tree without index.html" },
  "dry-run": editFlags["dry-run"],
  check: editFlags.check,
  diff: { type: "boolean", description: "list the files that are added, changed and removed" },
  ...outputFlags,
} as const satisfies Arguments;

const defaultKeep = 5;

interface TypedChoices extends Pick<Choices, "keep" | "backup" | "allowEmpty" | "asks"> {
  /** Milliseconds to wait for another deploy of the project. */
  waitMs: number;
}

/** Returns the choices that the flags make. Throws a usage Problem for an invalid value. */
export function choicesOf(values: Values): TypedChoices {
  return {
    waitMs: values.wait === undefined ? 0 : waitOf("--wait", String(values.wait)),
    keep: keepOf(values.keep),
    backup: values["no-backup"] !== true,
    allowEmpty: values["allow-empty"] === true,
    asks: values["no-probe"] !== true,
  };
}

/** Returns the number of backups to keep. Throws a usage Problem for an invalid one. */
export function keepOf(typed: Values[string]): number {
  if (typed === undefined) return defaultKeep;
  const keep = /^\d{1,4}$/.test(String(typed)) ? Number(typed) : Number.NaN;
  if (!(keep <= mostKept)) throw usage(`--keep '${typed}' is no number up to ${mostKept}`);
  return keep;
}
