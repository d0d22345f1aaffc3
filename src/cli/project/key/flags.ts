// Reads the flags of a deploy key.

import * as v from "valibot";
import type { DeployKey } from "../../../deploy-keys/record.ts";
import { slug as nameSchema, network, slugRule } from "../../../sites/project.ts";
import { readNetwork } from "../../../sites/serve/network.ts";
import { usage } from "../../arguments.ts";
import type { Arguments, Values } from "../../command.ts";

export const defaultName = "ci";
const defaults = { max_size: 2 * 2 ** 30, max_files: 200_000, rate: 60 };

const units: Readonly<Record<string, number>> = { M: 2 ** 20, G: 2 ** 30 };
/** What a deploy of any source accepts at most. */
const [mostBytes, mostFiles] = [10 * 2 ** 30, 1_000_000];
const dayMs = 86_400_000;

export const keyFlags = {
  key: {
    type: "string",
    valueHint: "file",
    completes: "file",
    description: "Public key of the client, such as id_ed25519.pub",
  },
  generate: { type: "boolean", description: "Create a key pair, and print the private key once" },
  name: { type: "string", description: "Name of the key; ci by default" },
  from: {
    type: "string",
    valueHint: "network,...",
    description: "Accept the key from these addresses and networks only (repeatable)",
  },
  expires: {
    type: "string",
    valueHint: "date",
    description: "Refuse the key from this day (UTC) on, or after this time (90d)",
  },
  "previews-only": { type: "boolean", description: "Refuse to change the live site" },
  "max-size": {
    type: "string",
    valueHint: "size",
    description: "Maximum size of all files of a deploy; 2G by default",
  },
  "max-files": {
    type: "string",
    valueHint: "number",
    description: "Maximum number of files of a deploy; 200000 by default",
  },
  rate: {
    type: "string",
    valueHint: "number",
    description: "Maximum number of deploys an hour, such as 20/h; 60/h by default",
  },
} as const satisfies Arguments;

/** Returns the settings that the flags make. Throws a usage Problem for an invalid value. */
export function settingsOf(values: Values, nowMs: number): Omit<DeployKey, "project" | "public_key" | "fingerprint"> {
  const { from, expires, rate } = values;
  return {
    name: nameOf(values),
    ...(from !== undefined && { from: networksOf(String(from)) }),
    ...(expires !== undefined && { expires: expiryOf(String(expires), nowMs) }),
    ...(values["previews-only"] === true && { previews_only: true as const }),
    max_size: sizeOf(values["max-size"]),
    max_files: filesOf(values["max-files"]),
    rate: rate === undefined ? defaults.rate : rateOf(String(rate)),
  };
}

export function nameOf({ name = defaultName }: Values): string {
  if (v.is(nameSchema, name)) return name;
  throw usage(`invalid name '${name}' of a key: ${slugRule}`);
}

function networksOf(typed: string): string[] {
  const found = typed.split(",").map((text) => {
    const read = readNetwork(text);
    if ("reason" in read || !v.is(network, read.network)) {
      throw usage(`invalid network '${text}' for --from${"reason" in read ? `: ${read.reason}` : ""}`);
    }
    return read.network;
  });
  return [...new Set(found)];
}

function expiryOf(typed: string, nowMs: number): string {
  const [, days] = /^([1-9]\d{0,3})d$/.exec(typed) ?? [];
  const ms = days === undefined ? Date.parse(`${typed}T00:00:00Z`) : nowMs + Number(days) * dayMs;
  const isDay = days !== undefined || /^\d{4}-\d\d-\d\d$/.test(typed);
  if (!isDay || Number.isNaN(ms)) throw usage(`invalid date '${typed}' for --expires (for example 2027-01-31 or 90d)`);
  if (ms <= nowMs) throw usage(`--expires ${typed} is in the past`);
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

function sizeOf(typed: Values[string]): number {
  if (typed === undefined) return defaults.max_size;
  const [, number = "", unit = ""] = /^([1-9]\d{0,4})([MG])$/.exec(String(typed)) ?? [];
  const bytes = Number(number) * (units[unit] ?? Number.NaN);
  if (!(bytes <= mostBytes))
    throw usage(`invalid size '${typed}' for --max-size (for example 500M or 2G, at most 10G)`);
  return bytes;
}

function filesOf(typed: Values[string]): number {
  if (typed === undefined) return defaults.max_files;
  const files = /^[1-9]\d{0,6}$/.test(String(typed)) ? Number(typed) : Number.NaN;
  if (!(files <= mostFiles)) throw usage(`invalid number '${typed}' for --max-files (1 to ${mostFiles})`);
  return files;
}

function rateOf(typed: string): number {
  const [, rate] = /^([1-9]\d{0,3})\/h$/.exec(typed) ?? [];
  if (rate === undefined) throw usage(`invalid rate '${typed}' for --rate (for example 20/h)`);
  return Number(rate);
}
