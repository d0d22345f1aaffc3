// The flags that commands share. Help, man page and completions are generated from their descriptions.

import type { Policy } from "../bundle/trust.ts";
import type { RunOptions } from "../run/options.ts";
import { usage } from "./arguments.ts";
import type { Arguments, Values } from "./command.ts";

const json = { type: "boolean", group: "Output", description: "Print one JSON document on stdout" } as const;

export const outputFlags = {
  json,
  "json=lines": {
    type: "boolean",
    group: "Output",
    description: "Print each event on stdout as it happens, as a line of JSON; the last one is the document",
  },
  quiet: { type: "boolean", alias: "q", group: "Output", description: "Print only errors" },
  "no-color": { type: "boolean", group: "Output", description: "Print without colors, as NO_COLOR does" },
} as const satisfies Arguments;

const yes = {
  yes: { type: "boolean", alias: "y", description: "Apply without asking for confirmation" },
} as const satisfies Arguments;

/** Flags of commands that change only their own state and do not ask for confirmation. */
export const editFlags = {
  "dry-run": {
    type: "boolean",
    alias: "n",
    group: "Plan",
    description: "Show planned changes without applying them",
  },
  check: {
    type: "boolean",
    group: "Plan",
    description: "Show planned changes; exit with 3 if there are any",
  },
  diff: { type: "boolean", group: "Plan", description: "Show how the content of files changes" },
  verbose: {
    type: "boolean",
    alias: "v",
    group: "Output",
    description: "Show the programs that run and their output",
  },
  ...outputFlags,
} as const satisfies Arguments;

/** Flags of commands that only remove things and always list what they remove. */
export const pruneFlags = {
  "dry-run": editFlags["dry-run"],
  check: editFlags.check,
  diff: { type: "boolean", group: "Plan", description: "List the files that are removed" },
  ...outputFlags,
} as const satisfies Arguments;

/** Flags of commands that install from a bundle. {@link bundlePolicyOf} reads those about trust. */
export const bundleFlags = {
  bundle: {
    type: "string",
    valueHint: "file",
    description: "Install from this offline bundle instead of the network",
  },
  key: {
    type: "string",
    valueHint: "file",
    description: "Require that this public key (PEM), or one in /etc/edox-ops/trust, signed the bundle",
  },
  "require-signature": {
    type: "boolean",
    description: "Refuse a bundle that no trusted key signed, even if this host has no keys",
  },
  "allow-older": {
    type: "boolean",
    description: "Accept a bundle that is older than the newest one that this host accepted",
  },
} as const satisfies Arguments;

/** Returns what these flags require of a bundle. Throws a usage Problem for one of them without a bundle. */
export function bundlePolicyOf(values: Values): Policy {
  const policyFlag = ["key", "require-signature", "allow-older"].find((name) => values[name] !== undefined);
  if (policyFlag !== undefined && values.bundle === undefined) throw usage(`--${policyFlag} needs --bundle FILE`);
  return {
    keyPath: values.key as string | undefined,
    requiresSignature: values["require-signature"] === true,
    allowsOlder: values["allow-older"] === true,
  };
}

export const doctorFlags = {
  strict: { type: "boolean", description: "let warnings count as failures" },
  online: { type: "boolean", description: "Also test the renewal of certificates, at their ACME servers" },
  fix: { type: "boolean", description: "run the steps that mend what was found, after asking" },
  ...yes,
  "dry-run": { type: "boolean", description: "with --fix: show what it would change without applying it" },
  check: { type: "boolean", description: "with --fix: a dry run that exits 3 when there is something to change" },
  ...bundleFlags,
  bundle: {
    ...bundleFlags.bundle,
    description: "Check whether this offline bundle fits this host; with --fix: install from it",
  },
  inventory: {
    type: "string",
    valueHint: "file",
    description: "Write the packages and images of this host for `bundle create --for`, without checks",
  },
  junit: { type: "string", valueHint: "file", description: "write the findings there, as JUnit does" },
  ...{ json, quiet: outputFlags.quiet, "no-color": outputFlags["no-color"] },
} as const satisfies Arguments;

export const changeFlags = {
  ...yes,
  only: { type: "string", valueHint: "step,...", completes: "step", description: "run just these steps" },
  skip: { type: "string", valueHint: "step,...", completes: "step", description: "leave these steps out" },
  "fail-step": {
    type: "string",
    valueHint: "step",
    completes: "step",
    description: "fail at this step, to see what a failure looks like",
  },
  ...editFlags,
} as const satisfies Arguments;

/** Returns the options of a run that these flags select. */
export function runOptionsOf(values: Values): RunOptions {
  const text = (name: string): string | undefined => values[name] as string | undefined;
  return {
    dryRun: values["dry-run"] === true || values.check === true,
    check: values.check === true,
    diff: values.diff === true,
    json: values["json=lines"] ? "lines" : values.json ? "document" : false,
    quiet: values.quiet === true,
    verbose: values.verbose === true,
    colour: values["no-color"] !== true,
    yes: values.yes === true,
    only: text("only"),
    skip: text("skip"),
    failStep: text("fail-step"),
  };
}
