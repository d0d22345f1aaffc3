// The flags of a command that replaces a project's tree.

import { mostKept } from "../../sites/deploy/releases.ts";
import type { Choices } from "../../sites/deploy/requests.ts";
import { usage } from "../arguments.ts";
import type { Arguments, Values } from "../command.ts";
import { editFlags, outputFlags } from "../flags.ts";
import { waitOf } from "../wait.ts";
import { switchOf } from "./record.ts";

/** The source of a tree as a word. {@link sourceOf} reads it. */
export const sourceArgument = {
  from: {
    type: "positional",
    required: false,
    valueHint: "source",
    completes: "file",
    description: "Directory or archive to deploy, the same as --source; - reads a tar from stdin",
  },
} as const satisfies Arguments;

/** The flags for the source of a tree. */
export const sourceFlags = {
  source: {
    type: "string",
    group: "Source",
    valueHint: "path",
    completes: "file",
    description: "Directory or archive (.tar, .tar.gz, .tar.zst, .zip); - reads a tar from stdin",
  },
  subdir: {
    type: "string",
    group: "Source",
    valueHint: "directory",
    description: "Deploy only this directory of the source",
  },
  exclude: {
    type: "string",
    group: "Source",
    valueHint: "path,...",
    description: "Leave out these files and directories of the source",
  },
  include: {
    type: "string",
    group: "Source",
    valueHint: "path,...",
    description: "Publish these files although they look like secrets or version control data",
  },
  dereference: {
    type: "boolean",
    group: "Source",
    description: "Replace links out of the source by the files that they point to",
  },
} as const satisfies Arguments;

export const releaseFlags = {
  keep: {
    type: "string",
    group: "Backup",
    valueHint: "number",
    description: "Number of backups to keep; 5 by default",
  },
  wait: {
    type: "string",
    group: "Advanced",
    valueHint: "time",
    description: "Wait for another deploy of the project, for example 60s or 5m",
  },
  "no-backup": { type: "boolean", group: "Backup", description: "Keep no backup of the replaced files" },
  "no-probe": { type: "boolean", group: "Advanced", description: "Request no page afterwards" },
  "allow-empty": { type: "boolean", group: "Advanced", description: "Deploy a source without index.html" },
  "dry-run": editFlags["dry-run"],
  check: editFlags.check,
  diff: { type: "boolean", group: "Plan", description: "List the added, changed and removed files" },
  verbose: editFlags.verbose,
  ...outputFlags,
} as const satisfies Arguments;

/** Returns the typed source, if there is one. Throws a usage Problem if there are two, or if the word is empty. */
export function sourceOf({ from, source }: Values): string | undefined {
  // A shell leaves an empty word of a variable that is not set.
  if (from === "") throw usage("the source is empty: it is a directory, an archive, or - for stdin");
  if (from !== undefined && source !== undefined) throw usage(`'${from}' and --source are mutually exclusive`);
  return (from ?? source) as string | undefined;
}

const defaultKeep = 5;

interface TypedChoices extends Pick<Choices, "keep" | "backup" | "allowEmpty" | "strictUrls" | "asks"> {
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
    strictUrls: switchOf("strict-urls", values),
    asks: values["no-probe"] !== true,
  };
}

/** Returns the number of backups to keep. Throws a usage Problem for an invalid one. */
export function keepOf(typed: Values[string]): number {
  if (typed === undefined) return defaultKeep;
  const keep = /^\d{1,4}$/.test(String(typed)) ? Number(typed) : Number.NaN;
  if (!(keep <= mostKept)) throw usage(`invalid number '${typed}' for --keep (0 to ${mostKept})`);
  return keep;
}
