// The flags of commands for a version of a site, and the words for it.

import * as v from "valibot";
import type { HostReader } from "../../host/host.ts";
import { Problem } from "../../problem/problem.ts";
import { backupsOf } from "../../sites/deploy/releases.ts";
import { versionTarget } from "../../sites/target.ts";
import { versionName } from "../../sites/versions/names.ts";
import { hintToList, noVersion, readVersions } from "../../sites/versions/versions.ts";
import { usage } from "../arguments.ts";
import type { Arguments, Values } from "../command.ts";
import type { ReleaseCommand } from "./release.ts";

/** Selects a version in place of the site. */
export const asFlag = {
  as: {
    type: "string",
    group: "Version",
    valueHint: "version",
    completes: "version",
    description: "Use this version of the site, served at /VERSION/",
  },
} as const satisfies Arguments;

export const versionFlags = {
  as: { ...asFlag.as, description: "Deploy a version of the site, served at /VERSION/" },
  alias: {
    type: "string",
    group: "Version",
    valueHint: "name,...",
    completes: "version",
    description: "Serve the version under these names as well, such as latest; other versions lose them",
  },
  default: {
    type: "boolean",
    group: "Version",
    description: "Serve the version to addresses without one, under its first alias if it has any",
  },
  title: { type: "string", group: "Version", valueHint: "text", description: "Title of the version in selectors" },
} as const satisfies Arguments;

/** Returns the typed version, or null. Throws a usage Problem for an invalid name. */
export function versionOf({ as }: Values): string | null {
  return as === undefined ? null : versionNameOf(as, "--as");
}

/** Returns the typed name. Throws a usage Problem for an invalid one. `typed`: the word or the flag. */
export function versionNameOf(value: Values[string], typed: string): string {
  const found = v.safeParse(versionName, value);
  if (!found.success) throw usage(`invalid ${typed} '${value}': ${found.issues[0].message}`);
  return found.output;
}

/** Returns the typed version to deploy, or null. Throws a usage Problem for a flag that needs one. */
export function versionToDeploy(values: Values): string | null {
  const flag = ["alias", "default", "title"].find((each) => values[each] !== undefined);
  if (values.as === undefined && flag !== undefined) throw usage(`--${flag} needs --as VERSION`);
  return versionOf(values);
}

/** Throws a Problem if the project has neither such a version nor backups of it, which a removal by hand leaves. */
export function demandVersion(reader: HostReader, slug: string, name: string): void {
  const { versions, aliases } = readVersions(reader, slug);
  const isKnown = versions.some((version) => version.name === name);
  if (isKnown || reader.stat(backupsOf(versionTarget(slug, name).key)) !== null) return;
  const target = aliases.get(name);
  if (target === undefined) throw noVersion(slug, name);
  throw new Problem("conflict", `${name} is an alias: its version is ${target}`, { hint: hintToList(slug) });
}

/** What messages and hints about a version begin with, and the words that select it. */
export function wordingOf(slug: string, name: string): Pick<ReleaseCommand, "subject" | "selects" | "targetOf"> {
  return {
    subject: `${slug} ${name}`,
    selects: ["--as", name],
    targetOf: () => versionTarget(slug, name),
  };
}
