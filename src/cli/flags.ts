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
    description: "Print each event on stdout as a line of JSON; the last line is the document",
  },
  quiet: { type: "boolean", alias: "q", group: "Output", description: "Print only errors" },
  "no-color": { type: "boolean", group: "Output", description: "Print without colors, like NO_COLOR=1" },
} as const satisfies Arguments;

export const confirmationFlags = {
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
    description: "Show planned changes, and exit with 3 if there are any",
  },
  diff: { type: "boolean", group: "Plan", description: "Show changes of files line by line" },
  verbose: {
    type: "boolean",
    alias: "v",
    group: "Output",
    description: "Show each program that runs, and its output",
  },
  ...outputFlags,
} as const satisfies Arguments;

/** Flags of commands that only remove things and always list what they remove. */
export const pruneFlags = {
  "dry-run": editFlags["dry-run"],
  check: editFlags.check,
  diff: { type: "boolean", group: "Plan", description: "List the removed files" },
  ...outputFlags,
} as const satisfies Arguments;

/** Flags of commands that install from a bundle. {@link bundlePolicyOf} reads those about trust. */
export const bundleFlags = {
  bundle: {
    type: "string",
    group: "Bundle",
    valueHint: "file",
    description: "Install from this offline bundle instead of the network",
  },
  key: {
    type: "string",
    group: "Bundle",
    valueHint: "file",
    description: "Require a signature by this public key (PEM), or by one in /etc/edox-ops/trust",
  },
  "require-signature": {
    type: "boolean",
    group: "Advanced",
    description: "Refuse a bundle without a trusted signature, even if this host has no keys",
  },
  "allow-older": {
    type: "boolean",
    group: "Advanced",
    description: "Accept a bundle that is older than the newest accepted one",
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
  all: { type: "boolean", description: "List every check, also those that succeed or are not set up" },
  strict: { type: "boolean", description: "Treat warnings as failures" },
  online: { type: "boolean", description: "Test the renewal of certificates at their ACME servers as well" },
  fix: { type: "boolean", description: "Fix the problems after a confirmation" },
  ...confirmationFlags,
  "dry-run": { ...editFlags["dry-run"], description: "Show the changes of --fix without applying them" },
  check: { ...editFlags.check, description: "Show the changes of --fix, and exit with 3 if there are any" },
  ...bundleFlags,
  bundle: {
    ...bundleFlags.bundle,
    description: "Check whether this offline bundle fits this host; with --fix, install from it",
  },
  inventory: {
    type: "string",
    group: "Bundle",
    valueHint: "file",
    description: "Write the packages and images of this host for bundle create --for, and check nothing",
  },
  junit: {
    type: "string",
    group: "Output",
    valueHint: "file",
    description: "Write the results to this file in the format of JUnit",
  },
  openmetrics: {
    type: "string",
    group: "Output",
    valueHint: "file",
    description: "Write metrics for Prometheus to this file; - prints only them",
  },
  ...{ json, quiet: outputFlags.quiet, "no-color": outputFlags["no-color"] },
} as const satisfies Arguments;

export const changeFlags = {
  ...confirmationFlags,
  only: {
    type: "string",
    group: "Advanced",
    valueHint: "step,...",
    completes: "step",
    description: "Run only these steps",
  },
  skip: {
    type: "string",
    group: "Advanced",
    valueHint: "step,...",
    completes: "step",
    description: "Skip these steps",
  },
  "fail-step": {
    type: "string",
    group: "Advanced",
    valueHint: "step",
    completes: "step",
    description: "Fail at this step on purpose, to test the rollback",
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
