// Compares the section of a registered runner in config.toml with its desired content.

import type { HostReader } from "../../host/host.ts";
import { Problem } from "../../problem/problem.ts";
import { Secret } from "../../text/secret.ts";
import { withFlag } from "../../text/with-flag.ts";
import type { TomlEdit, TomlTable } from "../../toml/edit.ts";
import { isTable } from "../../toml/meaning.ts";
import { missingVolumes } from "../docker-in-docker.ts";
import { readRecord, recordOf } from "../record.ts";
import { type Runner, type RunnerConfig, sameServer } from "../runners.ts";
import type { GrantedRunner, Registration } from "./registration.ts";

/** Placeholder in a plan for a token that GitLab has not issued yet. */
const unknownToken = new Secret("to-be-asked-for");

/** Returns the token that the section should contain. */
function tokenOf({ credential }: Registration, granted: GrantedRunner | null): Secret {
  return granted?.token ?? (credential.kind === "own" ? credential.token : unknownToken);
}

/**
 * Returns the index of the runner's section, or null. Throws a Problem if a runner of another address has this token,
 * because GitLab would receive requests of one runner from two sections.
 */
export function findSection(
  config: RunnerConfig,
  registration: Registration,
  granted: GrantedRunner | null,
): number | null {
  const token = tokenOf(registration, granted);
  const { url } = registration.server;
  const at = config.runners.findIndex((each) => each.token.equals(token) && sameServer(each.url, url));
  if (at >= 0) return at;
  const other = config.runners.find((each) => each.token.equals(token));
  if (other === undefined) return null;
  const message = `runner ${other.name} has this token already, for ${other.url}: if that is the same GitLab, give this url`;
  throw new Problem("already-exists", message, { hint: withFlag(registration.server.again, "--url", other.url) });
}

export function editsFor(
  reader: HostReader,
  config: RunnerConfig,
  registration: Registration,
  granted: GrantedRunner | null,
): TomlEdit[] {
  const { server, profile, concurrent } = registration;
  const settings: TomlTable = {
    // With one request at a time, the next job waits for the end of GitLab's long polling: up to 50 s.
    request_concurrency: 2,
    ...(server.caPath !== undefined && { "tls-ca-file": server.caPath }),
    executor: profile.executor,
    ...profile.settings,
  };
  const edits: TomlEdit[] =
    concurrent === undefined || concurrent === config.concurrent
      ? []
      : [{ kind: "set-top-level", key: "concurrent", value: concurrent }];
  const at = findSection(config, registration, granted);
  if (at !== null) {
    const all = { name: profile.description, ...settings };
    edits.push(...differingKeys(config.runners[at] as Record<string, unknown>, all, at, []));
  } else {
    edits.push({
      kind: "add-table",
      table: {
        name: profile.description,
        url: server.url,
        id: granted?.id ?? 0,
        token: tokenOf(registration, granted),
        // gitlab-runner renews its token in time only if it knows when the token expires.
        ...(granted?.expires && {
          token_obtained_at: seconds(reader.now()),
          token_expires_at: seconds(Date.parse(granted.expires)),
        }),
        ...settings,
      },
    });
  }
  const old = replacedRunners(reader, config, registration, granted).map((each) => config.runners.indexOf(each));
  // The last section is removed first, so that the indices of the others stay valid.
  return [...edits, ...old.reverse().map((runner): TomlEdit => ({ kind: "remove-table", index: runner }))];
}

/**
 * Returns our runners of the same name and server that this registration replaces. There are none unless replacement
 * was requested.
 */
export function replacedRunners(
  reader: HostReader,
  config: RunnerConfig,
  registration: Registration,
  granted: GrantedRunner | null,
): Runner[] {
  const { server, profile, replaces } = registration;
  const record = readRecord(reader);
  const token = tokenOf(registration, granted);
  return config.runners.filter((each) => {
    const same = each.name === profile.description && sameServer(each.url, server.url) && !each.token.equals(token);
    return replaces && same && recordOf(record, each) !== null;
  });
}

function seconds(ms: number): Date {
  return new Date(Math.floor(ms / 1000) * 1000);
}

/**
 * Returns the edits that a section needs. The section may contain more keys, and a path that is mounted already needs
 * no volume.
 */
function differingKeys(
  section: Record<string, unknown>,
  intended: TomlTable,
  runner: number,
  at: readonly string[],
): TomlEdit[] {
  return Object.entries(intended).flatMap(([name, value]): TomlEdit[] => {
    const key = [...at, name];
    const there = section[name];
    if (isTable(value)) return differingKeys((there ?? {}) as Record<string, unknown>, value, runner, key);
    if (!Array.isArray(value)) return Bun.deepEquals(there, value) ? [] : [{ kind: "set", index: runner, key, value }];
    const has = Array.isArray(there) ? (there as string[]) : [];
    const items = name === "volumes" ? missingVolumes(has, value) : value.filter((each) => !has.includes(each));
    return items.length === 0 ? [] : [{ kind: "add-items", index: runner, key, items }];
  });
}
