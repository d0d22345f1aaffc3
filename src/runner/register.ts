// A registration: GitLab is asked first, then decided, then written. A refusal leaves every byte as it was.

import { Text } from "../engine/change.ts";
import type { Facts } from "../engine/facts.ts";
import { textOf } from "../engine/facts.ts";
import { Problem, type Recipe, type Requirement, type Resource, type Step } from "../engine/step.ts";
import type { Host, HostReader } from "../host/host.ts";
import { runnerConfigPath, runnerLogPath, stateDir } from "../recipes/paths.ts";
import { directory } from "../resources/directory.ts";
import { file } from "../resources/file.ts";
import { installed } from "../resources/package.ts";
import { configFile, configTaken } from "./config-file.ts";
import { isTable } from "./config-meaning.ts";
import { type ConfigEdit, editConfig, type TomlTable } from "./config-text.ts";
import { createRunner, forget, type Registered, registerByOldToken, type Server, unmake, verify } from "./gitlab.ts";
import type { Profile } from "./profile.ts";
import { madeBy, ours, readRecord, recordFile } from "./record.ts";
import { configOf, configText, type Runner, type RunnerConfig, readConfig, sameServer } from "./runners.ts";
import { dockerAccess, dockerThere, missingVolumes } from "./steps.ts";

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

export const systemIdPath = "/etc/gitlab-runner/.runner_system_id";

/** Asks GitLab, and writes nothing. */
export async function admitted(order: Order, host: Host): Promise<Admitted> {
  const { server, credential, profile } = order;
  // What cannot be written later is said before anybody is asked.
  editConfig(configText(host), editsFor(readConfig(host), order, null, host), runnerConfigPath);
  const systemId = systemIdOf(host);
  if (credential.kind === "own") {
    const answer = await verify(host, server, credential.token, systemId);
    // What GitLab answers is not needed: it is this token that the runner has.
    return { ...answer, token: credential.token, systemId, isNew: false };
  }
  const known = await stillKnown(order, host, systemId);
  if (known) return known;
  const { description, tags } = profile;
  if (credential.kind === "old") {
    return {
      ...(await registerByOldToken(host, server, credential.token, { description, tags })),
      systemId,
      isNew: true,
    };
  }
  const { project, group } = credential;
  const wanted = { project, group, description, tags, isProtected: order.isProtected };
  const made = await createRunner(host, server, credential.token, wanted);
  await verify(host, server, made.token, systemId);
  return { ...made, systemId, isNew: true };
}

/** Registered before under this name, and GitLab has it still: it is not made twice. */
async function stillKnown(
  { server, profile, replaces }: Order,
  host: Host,
  systemId: string,
): Promise<Admitted | null> {
  if (replaces) return null;
  const record = readRecord(host);
  const runner = readConfig(host).runners.find((each) => {
    return each.name === profile.description && sameServer(each.url, server.url) && ours(record, each) !== null;
  });
  if (runner === undefined) return null;
  const answer = await verify(host, server, runner.token, systemId);
  return { ...answer, token: runner.token, systemId, isNew: false };
}

/** What was made in GitLab for a registration that was not written here is taken back. Answers what is left there. */
export async function takenBack({ server, credential }: Order, { token, systemId, isNew }: Admitted, host: Host) {
  if (!isNew) return null;
  const done =
    credential.kind === "access"
      ? await unmake(host, server, token)
      : (await forget(host, server, token, systemId)) !== null;
  return done ? null : `the runner that was made at ${server.url} is there still: delete it there`;
}

/** As the runner itself makes one where it finds no id of the machine. */
export function systemIdOf(see: HostReader): string {
  const there = textOf(see, systemIdPath)?.trim();
  if (there !== undefined && /^[sr]_[0-9a-zA-Z]{12}$/.test(there)) return there;
  return `r_${Buffer.from(crypto.getRandomValues(new Uint8Array(6))).toString("hex")}`;
}

/** `entry`: what GitLab said; null in a dry run, which asks nobody. */
export function registration(order: Order, entry: Admitted | null, facts: Facts): Recipe {
  const { profile, server } = order;
  const register: Step = {
    id: "runner.register",
    title: `${profile.description} is registered with ${server.url}`,
    requires: [runnerThere, ...(profile.executor === "docker" ? [dockerThere] : [])],
    wants: [
      systemIdFile(entry),
      configFile(`runner:${profile.description}`, `${profile.description} is configured`, (config, see, warn) => {
        const all = config.runners.length + (found(config, order, entry) === null ? 1 : 0);
        const { concurrent = config.concurrent } = order;
        if (all > concurrent) {
          warn(`${all} runners share ${concurrent} job at a time, and wait for each other: say --concurrent ${all}`);
        }
        return editsFor(config, order, entry, see);
      }),
      configTaken,
      directory(stateDir, 0o750, `state:${stateDir}`),
      recordFile((before) => recorded(before, order, entry)),
    ],
  };
  return {
    command: "gitlab-runner register",
    logPath: runnerLogPath,
    done: `Registered runner ${profile.description}.`,
    failed: "Registration failed at step",
    requires: [],
    steps: [register, ...(profile.executor === "shell" && facts.apt ? [dockerAccess] : [])],
  };
}

/** The token that the section has: what a dry run does not know is nobody's. */
function tokenOf({ credential }: Order, entry: Admitted | null): string {
  return entry?.token ?? (credential.kind === "own" ? credential.token : "");
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
function recorded(before: ReturnType<typeof readRecord>, order: Order, entry: Admitted | null): object {
  const { server, profile, profileName, credential, isProtected, replaces } = order;
  const docker = (profile.settings.docker ?? {}) as TomlTable;
  const privileged = docker.privileged === true;
  const { url } = server;
  const name = profile.description;
  const id = entry?.id ?? 0;
  const guarded = credential.kind === "access" ? { guarded: isProtected } : {};
  const others = madeBy(before).filter((each) => {
    if (!sameServer(each.url, url)) return true;
    return each.id > 0 && id > 0 && !replaces ? each.id !== id : each.name !== name;
  });
  const same = madeBy(before).find((each) => sameServer(each.url, url) && each.id === id);
  return {
    ...before,
    ...{ url, executor: profile.executor, description: name, tags: profile.tags, profile: profileName },
    ...{ docker_image: docker.image ?? null, docker_privileged: privileged, registered: true },
    runners: [...others, { ...same, url, id, name, privileged, ...guarded }],
  };
}

function systemIdFile(entry: Admitted | null): Resource {
  const made = file({
    name: "runner:system-id",
    title: "this host has a name of its own for GitLab",
    path: systemIdPath,
    mode: 0o600,
    text: () => Text.of(entry?.systemId ?? ""),
  });
  // The runner makes it when it starts, and keeps the one that is there.
  return {
    ...made,
    check: (see, ahead, warn) =>
      entry === null || see.stat(systemIdPath) !== null ? [] : made.check(see, ahead, warn),
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

/** Forgets one of ours here. Of several of a name, the first. */
export function unregistration(name: string): Recipe {
  const step: Step = {
    id: "runner.unregister",
    title: `${name} is forgotten`,
    wants: [
      configFile(`runner:${name}`, `${name} is not configured`, ({ runners }, see) => {
        const record = readRecord(see);
        const at = runners.findIndex((runner) => runner.name === name && ours(record, runner) !== null);
        return at < 0 ? [] : [{ kind: "remove-runner", runner: at }];
      }),
      configTaken,
    ],
  };
  const forgotten = recordFile((before) => {
    if (before === null) return null;
    const left = madeBy(before).filter((each) => each.name !== name);
    return left.length === 0 ? null : { ...before, runners: left };
  });
  return {
    command: `gitlab-runner unregister ${name}`,
    logPath: runnerLogPath,
    done: `Unregistered runner ${name}.`,
    failed: "Unregistering failed at step",
    requires: [],
    steps: [{ ...step, wants: [...step.wants, forgotten] }],
  };
}

/** Throws a Problem for a runner that is not there, or not ours. */
export function theRunner(see: HostReader, name: string): Runner {
  const all = configOf(configText(see)).runners.filter((runner) => runner.name === name);
  const record = readRecord(see);
  const found = all.find((runner) => ours(record, runner) !== null);
  if (found) return found;
  if (all.length > 0) {
    const message = `${name} was not registered by edox-ops`;
    throw new Problem("blocked", message, { hint: ["sudo", "gitlab-runner", "unregister", "--name", name] });
  }
  const hint = ["edox-ops", "gitlab-runner", "list"];
  throw new Problem("requirement", `there is no runner ${name} in ${runnerConfigPath}`, { hint });
}
