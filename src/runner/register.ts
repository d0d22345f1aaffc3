// A registration: GitLab is asked first, then decided, then written. A refusal leaves every byte as it was.

import { Problem, type Recipe, type Requirement, type Step } from "../engine/step.ts";
import { met } from "../engine/wait.ts";
import type { Host, HostReader } from "../host/host.ts";
import { runnerConfigPath, runnerLogPath, stateDir } from "../recipes/paths.ts";
import { directory } from "../resources/directory.ts";
import { installed } from "../resources/package.ts";
import { configFile } from "./config-file.ts";
import { isTable } from "./config-meaning.ts";
import { configTaken } from "./config-taken.ts";
import { type ConfigEdit, editConfig, type TomlTable } from "./config-text.ts";
import { createRunner, forget, type Registered, registerByOldToken, type Server, verify } from "./gitlab.ts";
import type { Profile } from "./profile.ts";
import { madeBy, ours, type RunnerRecord, readRecord, recordFile, sameRunner } from "./record.ts";
import { configText, type Runner, type RunnerConfig, readConfig, sameServer } from "./runners.ts";
import { dockerAccess, dockerThere, missingVolumes } from "./steps.ts";
import { newSystemId, systemIdFile, systemIdOf } from "./system-id.ts";

/** A token of the runner's own, one of old that makes a runner, or an access token that does. */
export interface Credential {
  kind: "own" | "old" | "access";
  token: string;
  /** The number of the project or group in GitLab that the runner is made for; neither: for all of it. */
  project?: string | undefined;
  group?: string | undefined;
}

export interface Order {
  server: Server;
  credential: Credential;
  profile: Profile;
  /** As it was typed, for the record. */
  profileName: string | null;
  concurrent?: number | undefined;
  /** One of the same name and server is no longer wanted. */
  replaces: boolean;
  isProtected: boolean;
}

/** What a registration came to, before anything is written here. */
export interface Admitted extends Registered {
  systemId: string;
  /** It was not known to GitLab before. */
  isNew: boolean;
}

/** Asks GitLab, and writes nothing here. What is made there, and cannot be used, is taken back. */
export async function admitted(order: Order, host: Host): Promise<Admitted> {
  const { server, credential, profile } = order;
  // What cannot be written later, or not be run, is said before anybody is asked.
  for (const each of needs(order)) await met(each, host);
  editConfig(configText(host), editsFor(readConfig(host), order, null, host), runnerConfigPath);
  const systemId = systemIdOf(host) ?? newSystemId();
  if (credential.kind === "own") {
    const answer = await verify(host, server, credential.token, systemId);
    // What GitLab answers is not needed: it is this token that the runner has.
    return { ...answer, token: credential.token, systemId, isNew: false };
  }
  const known = await stillKnown(order, host, systemId);
  if (known) return known;
  const { description, tags } = profile;
  if (credential.kind === "old") {
    const made = await registerByOldToken(host, server, credential.token, { description, tags });
    return { ...made, systemId, isNew: true };
  }
  const { project, group } = credential;
  const wanted = { project, group, description, tags, isProtected: order.isProtected };
  const made = await createRunner(host, server, credential.token, wanted);
  try {
    await verify(host, server, made.token, systemId);
  } catch (error) {
    await forget(host, server, { token: made.token, systemId, wasMade: true }).catch(() => {});
    throw error;
  }
  return { ...made, systemId, isNew: true };
}

/** Registered before under this name, and GitLab has it still: it is not made twice. */
async function stillKnown(order: Order, host: Host, systemId: string): Promise<Admitted | null> {
  const { server, profile, replaces } = order;
  const record = readRecord(host);
  const runner = readConfig(host).runners.find((each) => {
    return each.name === profile.description && sameServer(each.url, server.url) && ours(record, each) !== null;
  });
  if (replaces || runner === undefined) return null;
  const name = profile.description;
  const { owner = ownerOf(order) } = ours(record, runner) ?? {};
  if (owner !== ownerOf(order)) {
    const message = `${name} is registered for ${owner} already: give another --description, or --replace it`;
    throw new Problem("blocked", message, { hint: ["edox-ops", "gitlab-runner", "list"] });
  }
  try {
    const answer = await verify(host, server, runner.token, systemId);
    return { ...answer, token: runner.token, systemId, isNew: false };
  } catch (error) {
    const { message } = error as Error;
    throw new Problem("blocked", `${name} is registered already, but ${message}: say --replace to make it anew`, {
      hint: ["sudo", "edox-ops", "gitlab-runner", "register", "--url", server.url, "--replace"],
    });
  }
}

function ownerOf({ credential: { project, group, kind } }: Order): string | undefined {
  if (kind !== "access") return undefined;
  return project !== undefined ? `project ${project}` : group !== undefined ? `group ${group}` : "instance";
}

/** What was made in GitLab and is not written here is taken back. Answers what is left there. */
export async function takenBack(order: Order, entry: Admitted, host: Host): Promise<string | null> {
  const { token, systemId, isNew } = entry;
  if (!isNew || readConfig(host).runners.some((runner) => runner.token === token)) return null;
  try {
    await forget(host, order.server, { token, systemId, wasMade: true });
    return null;
  } catch {
    return `the runner that was made at ${order.server.url} is there still: delete it there`;
  }
}

/** `entry`: what GitLab said; null in a dry run, which asks nobody. */
export function registration(order: Order, entry: Admitted | null): Recipe {
  const { profile, server } = order;
  const register: Step = {
    id: "runner.register",
    title: `${profile.description} is registered with ${server.url}`,
    requires: needs(order),
    wants: [
      systemIdFile(entry?.systemId),
      directory(stateDir, 0o750, `state:${stateDir}`),
      // Ours from the first moment on: a run that is killed behind it is the same run the next time.
      recordFile((before, see) => recorded(before, order, entry, see)),
      configFile(`runner:${profile.description}`, `${profile.description} is configured`, (config, see, warn) => {
        const all = config.runners.length + (found(config, order, entry) === null ? 1 : 0);
        const { concurrent = config.concurrent } = order;
        if (all > concurrent) {
          warn(`${all} runners share ${concurrent} job at a time, and wait for each other: say --concurrent ${all}`);
        }
        return editsFor(config, order, entry, see);
      }),
      configTaken,
    ],
  };
  return {
    command: "gitlab-runner register",
    logPath: runnerLogPath,
    done: `Registered runner ${profile.description}.`,
    failed: "Registration failed at step",
    requires: [],
    steps: [register, ...(profile.executor === "shell" ? [dockerAccess] : [])],
  };
}

function needs({ profile }: Order): Requirement[] {
  return [runnerThere, ...(profile.executor === "docker" ? [dockerThere] : [])];
}

/** What stands for a token that nobody has been asked for yet: in a plan only. */
const unknownToken = "to-be-asked-for";

/** The token that the section has. */
function tokenOf({ credential }: Order, entry: Admitted | null): string {
  return entry?.token ?? (credential.kind === "own" ? credential.token : unknownToken);
}

function found(config: RunnerConfig, order: Order, entry: Admitted | null): number | null {
  const token = tokenOf(order, entry);
  const at = config.runners.findIndex((each) => each.token === token && sameServer(each.url, order.server.url));
  return at < 0 ? null : at;
}

function editsFor(config: RunnerConfig, order: Order, entry: Admitted | null, see: HostReader): ConfigEdit[] {
  const { server, profile, concurrent } = order;
  const settings: TomlTable = {
    // With one question at a time the next job waits for the end of GitLab's long polling: up to 50 s.
    request_concurrency: 2,
    ...(server.caPath !== undefined && { "tls-ca-file": server.caPath }),
    executor: profile.executor,
    ...profile.settings,
  };
  const edits: ConfigEdit[] =
    concurrent === undefined || concurrent === config.concurrent
      ? []
      : [{ kind: "set-global", key: "concurrent", value: concurrent }];
  const at = found(config, order, entry);
  if (at !== null) {
    const all = { name: profile.description, ...settings };
    edits.push(...differing(config.runners[at] as Record<string, unknown>, all, at, []));
  } else {
    edits.push({
      kind: "add-runner",
      table: {
        name: profile.description,
        url: server.url,
        id: entry?.id ?? 0,
        token: tokenOf(order, entry),
        // The runner asks for a new token in time, when it knows when the old one ends.
        ...(entry?.expires && {
          token_obtained_at: seconds(see.now()),
          token_expires_at: seconds(Date.parse(entry.expires)),
        }),
        ...settings,
      },
    });
  }
  const old = replacedRunners(config, order, entry, see).map((each) => config.runners.indexOf(each));
  // From the last to the first: each is counted while those before it are there.
  return [...edits, ...old.reverse().map((runner): ConfigEdit => ({ kind: "remove-runner", runner }))];
}

/** Ours of the same name and server whose place is taken: none unless it was asked for. */
export function replacedRunners(config: RunnerConfig, order: Order, entry: Admitted | null, see: HostReader): Runner[] {
  const { server, profile, replaces } = order;
  const record = readRecord(see);
  const token = tokenOf(order, entry);
  return config.runners.filter((each) => {
    const same = each.name === profile.description && sameServer(each.url, server.url) && each.token !== token;
    return replaces && same && ours(record, each) !== null;
  });
}

function seconds(ms: number): Date {
  return new Date(Math.floor(ms / 1000) * 1000);
}

/** What a section lacks of what is wanted; it may have more, and what is mounted somewhere is mounted. */
function differing(
  section: Record<string, unknown>,
  wanted: TomlTable,
  runner: number,
  at: readonly string[],
): ConfigEdit[] {
  return Object.entries(wanted).flatMap(([name, value]): ConfigEdit[] => {
    const key = [...at, name];
    const there = section[name];
    if (isTable(value)) return differing((there ?? {}) as Record<string, unknown>, value, runner, key);
    if (!Array.isArray(value)) return Bun.deepEquals(there, value) ? [] : [{ kind: "set", runner, key, value }];
    const has = Array.isArray(there) ? (there as string[]) : [];
    const items = name === "volumes" ? missingVolumes(has, value) : value.filter((each) => !has.includes(each));
    return items.length === 0 ? [] : [{ kind: "add-items", runner, key, items }];
  });
}

/** The contract's keys are of the last one; all of ours stand in the list. */
function recorded(before: RunnerRecord | null, order: Order, entry: Admitted | null, see: HostReader): object {
  const { server, profile, profileName, credential, isProtected } = order;
  const docker = (profile.settings.docker ?? {}) as TomlTable;
  const privileged = docker.privileged === true;
  const { url } = server;
  const name = profile.description;
  const config = readConfig(see);
  const at = found(config, order, entry);
  const id = entry?.id ?? (at === null ? 0 : (config.runners[at]?.id ?? 0));
  const made = { url, id, name, privileged };
  const gone = replacedRunners(config, order, entry, see);
  const others = madeBy(before).filter((each) => !sameRunner(each, made) && !gone.some((old) => sameRunner(each, old)));
  const same = madeBy(before).find((each) => sameRunner(each, made));
  const owner = ownerOf(order);
  return {
    ...before,
    ...{ url, executor: profile.executor, description: name, tags: profile.tags, profile: profileName },
    ...{ docker_image: docker.image ?? null, docker_privileged: privileged, registered: true },
    runners: [...others, { ...same, ...made, ...(credential.kind === "access" && { owner, guarded: isProtected }) }],
  };
}

const runnerThere: Requirement = {
  name: "runner:installed",
  title: "GitLab Runner is installed",
  async check(see) {
    if ((await installed("gitlab-runner").check(see, [], () => {})).length === 0) return null;
    const hint = ["sudo", "edox-ops", "gitlab-runner", "install", "--yes"];
    return { reason: "GitLab Runner is not installed", hint };
  },
};
