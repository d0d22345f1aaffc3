// What is recorded about the backups of this host: the repository, the retention, and the secrets in files of their own.

import * as v from "valibot";
import { Text } from "../engine/change.ts";
import type { HostReader } from "../host/host.ts";
import { jsonRecord } from "../problem/json-record.ts";
import { Problem } from "../problem/problem.ts";
import { regularFile } from "../problem/regular-file.ts";
import { Secret } from "../text/secret.ts";
import { environmentPath, passwordPath, settingsPath } from "./paths.ts";
import { type Repository, readRepository } from "./repository.ts";

const count = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1000));

const keepSchema = v.object({ daily: count, weekly: count, monthly: count });

const settingsSchema = v.object({
  repository: v.string(),
  /** The name of this host in the repository. */
  host: v.pipe(v.string(), v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$/, "a host has letters, digits, dots and -")),
  /** Whether earlier releases are backed up too. */
  with_releases: v.boolean(),
  /** The snapshots to keep; null keeps all. */
  keep: v.nullable(keepSchema),
});

export type Settings = v.InferOutput<typeof settingsSchema>;
export type Keep = v.InferOutput<typeof keepSchema>;

/** A repository with what opens it. */
export interface Access {
  repository: Repository;
  password: Secret;
  /** The credentials of the storage by the names of their variables. */
  environment: ReadonlyMap<string, Secret>;
}

/** In bytes. The password is in the first line, and the credentials are a few lines. */
const mostRead = 64 * 1024;
/** The variables that restic and its backends read. Any other, such as LD_PRELOAD, could change what root runs. */
const variablePattern = /^(?:AWS|AZURE|B2|GOOGLE|OS|ST|RCLONE|RESTIC_REST)_[A-Z0-9_]{1,100}$/;

/**
 * Returns the settings, or null if no repository is set up. Throws a Problem for an invalid file. `path`: that of a copy
 * of it.
 */
export function readSettings(reader: HostReader, path = settingsPath): Settings | null {
  return jsonRecord(reader, path, settingsSchema);
}

/** Returns the settings. Throws a Problem if no repository is set up. */
export function theSettings(reader: HostReader): Settings {
  const settings = readSettings(reader);
  if (settings !== null) return settings;
  const hint = ["sudo", "edox-ops", "backup", "init", "--repo", "REPOSITORY", "--generate"];
  throw new Problem("not-found", "no backup repository is set up on this host", { hint });
}

/** Returns what opens the recorded repository. Throws a Problem if a part of it is missing. */
export function accessOf(reader: HostReader, settings: Settings): Access {
  const password = readPassword(reader, passwordPath);
  const environment = reader.stat(environmentPath) === null ? new Map() : readEnvironment(reader, environmentPath);
  return { repository: readRepository(settings.repository), password, environment };
}

/** Returns the password in the first line of a file. Throws a Problem for a missing or empty one. */
export function readPassword(reader: HostReader, path: string): Secret {
  const hint = ["sudo", "ls", "-l", path];
  const text = shortText(reader, path);
  if (text === null) throw new Problem("not-found", `the password file ${path} does not exist`, { hint });
  const [line = ""] = text.split(/\r?\n/);
  if (line === "")
    throw new Problem("invalid-value", `the first line of ${path} is empty: it is the password`, { hint });
  return new Secret(line);
}

/** Returns the variables in a file of NAME=VALUE lines. Throws a Problem that names the first invalid line. */
export function readEnvironment(reader: HostReader, path: string): Map<string, Secret> {
  const text = shortText(reader, path);
  const hint = ["sudo", "ls", "-l", path];
  if (text === null) throw new Problem("not-found", `${path} does not exist`, { hint });
  const found = new Map<string, Secret>();
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const [, name = "", value = ""] = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(line) ?? [];
    // The line is not quoted, because it may be a secret.
    if (name === "") throw new Problem("invalid-value", `line ${i + 1} of ${path} is not NAME=VALUE`);
    if (!variablePattern.test(name)) {
      const accepted = "AWS_*, AZURE_*, B2_*, GOOGLE_*, OS_*, ST_*, RCLONE_* and RESTIC_REST_*";
      throw new Problem("invalid-value", `line ${i + 1} of ${path} sets ${name}: only ${accepted} are accepted`);
    }
    found.set(name, new Secret(value));
  }
  return found;
}

/** Returns the text of the settings file. */
export function settingsText(settings: Settings): Text {
  return Text.of(`${JSON.stringify(settings, null, 2)}\n`);
}

/** Returns the text of the password file. */
export function secretText(password: Secret): Text {
  return Text.of(`${password.reveal()}\n`, true);
}

/** Returns the text of the file of credentials, or null without any. */
export function environmentText(environment: Access["environment"]): Text | null {
  if (environment.size === 0) return null;
  return Text.of([...environment].map(([name, value]) => `${name}=${value.reveal()}\n`).join(""), true);
}

/** Returns the number of snapshots to keep of a text such as "7d,4w,12m". Throws a Problem for any other text. */
export function readKeep(typed: string): Keep {
  const keep = { daily: 0, weekly: 0, monthly: 0 };
  const names = { d: "daily", w: "weekly", m: "monthly" } as const;
  const parts = typed.split(",").map((part) => /^(\d{1,3})([dwm])$/.exec(part));
  for (const part of parts) {
    const name = names[part?.[2] as keyof typeof names];
    if (name !== undefined) keep[name] = Number(part?.[1]);
  }
  const units = parts.map((part) => part?.[2]);
  const isValid = !units.includes(undefined) && new Set(units).size === units.length;
  if (isValid && keep.daily + keep.weekly + keep.monthly > 0) return keep;
  throw new Problem(
    "invalid-value",
    `invalid --keep '${typed}': use numbers of days, weeks and months, such as 7d,4w,12m, and at least one snapshot`,
  );
}

/** Returns the counts as {@link readKeep} takes them: "7d,4w,12m". */
export function keepText({ daily, weekly, monthly }: Keep): string {
  const counts = [
    [daily, "d"],
    [weekly, "w"],
    [monthly, "m"],
  ] as const;
  return counts.flatMap(([count, unit]) => (count > 0 ? [`${count}${unit}`] : [])).join(",");
}

function shortText(reader: HostReader, path: string): string | null {
  if (regularFile(reader, path) === null) return null;
  return new TextDecoder().decode(reader.head(path, mostRead) ?? undefined);
}
