// Unregisters a runner that edox-ops registered: in GitLab first, then on this host.

import type { Recipe } from "../../engine/step.ts";
import type { Host, HostReader } from "../../host/host.ts";
import { Problem } from "../../problem/problem.ts";
import { withFlag } from "../../text/with-flag.ts";
import { demandEditable, type TomlEdit } from "../../toml/edit.ts";
import { configFile, demandReplaceableFile } from "../config-file.ts";
import { configTaken } from "../config-taken.ts";
import { runnerConfigPath, runnerLogPath } from "../paths.ts";
import {
  isMoved,
  type RecordedRunner,
  readRecord,
  recordedRunners,
  recordFile,
  recordOf,
  sameRunner,
  withoutRunner,
} from "../record.ts";
import { configText, type Runner, type RunnerConfig, readConfig, runnerConfigFile, sameServer } from "../runners.ts";
import { deleteRunner } from "./gitlab.ts";
import { systemIdOf } from "./system-id.ts";

interface KnownRunner {
  recorded: RecordedRunner;
  /** Its section of config.toml, or null if only the record exists, for example after a run was killed. */
  runner: Runner | null;
  /** Foreign sections of the same name, which stay. */
  others: Runner[];
}

/**
 * Finds the runner with this name, or with this number in GitLab. Throws a Problem if there is none, if edox-ops did
 * not register it, or if several have the name. Throws one too if it is unclear whether a section of config.toml is
 * this runner. `typed`: the whole command.
 */
export function findRunner(
  reader: HostReader,
  name: string,
  url: string | undefined,
  typed: readonly string[],
): KnownRunner {
  const { runners } = readConfig(reader);
  const all = recordedRunners(readRecord(reader));
  const known = all.map((recorded) => ({ recorded, runner: sectionOf(recorded, all, runners) }));
  const named = known.filter(({ recorded, runner }) => recorded.name === name || runner?.name === name);
  const numbered = known.filter(({ recorded }) => recorded.id > 0 && String(recorded.id) === name);
  const found = (named.length > 0 ? named : numbered).filter(({ recorded, runner }) => {
    return !url || sameServer(runner?.url ?? recorded.url, url) || sameServer(recorded.url, url);
  });
  const [first, another] = found;
  if (first !== undefined && another !== undefined) throw ambiguousProblem(name, first, another, typed);
  if (first === undefined) {
    if (runners.some((runner) => runner.name === name)) {
      const message = `${name} was not registered by edox-ops`;
      throw new Problem("not-managed", message, { hint: ["sudo", "gitlab-runner", "unregister", "--name", name] });
    }
    const hint = ["edox-ops", "gitlab-runner", "list"];
    throw new Problem("not-found", `there is no runner ${name} in ${runnerConfigPath}`, { hint });
  }
  const { recorded, runner } = first;
  const others = runners.filter((each) => {
    if (each.name !== recorded.name || (runner !== null && isSection(each, runner))) return false;
    return !known.some((other) => other.runner === each);
  });
  const [unclear] = others;
  if (runner === null && unclear !== undefined) {
    const message = `${recorded.name} was registered with ${recorded.url}, and ${runnerConfigPath} has a runner of this name with ${unclear.url}: it is unclear whether they are the same`;
    const hint = ["sudo", "gitlab-runner", "unregister", "--name", recorded.name];
    throw new Problem("not-managed", message, { hint });
  }
  return { recorded, runner, others };
}

/**
 * Returns the section of this runner. A section whose address was edited counts if it belongs to no other runner of
 * ours.
 */
function sectionOf(
  recorded: RecordedRunner,
  all: readonly RecordedRunner[],
  runners: readonly Runner[],
): Runner | null {
  const movedProblem = (runner: Runner): boolean =>
    isMoved(recorded, runner) && !all.some((other) => sameRunner(other, runner));
  return runners.find((runner) => sameRunner(recorded, runner)) ?? runners.find(movedProblem) ?? null;
}

/** Two runners with one name at one GitLab are distinguished by their numbers. */
function ambiguousProblem(
  name: string,
  { recorded, runner }: Pick<KnownRunner, "recorded" | "runner">,
  other: Pick<KnownRunner, "recorded" | "runner">,
  typed: readonly string[],
): Problem {
  const [url, otherUrl] = [runner?.url ?? recorded.url, other.runner?.url ?? other.recorded.url];
  if (!sameServer(url, otherUrl)) {
    const message = `${name} is registered with ${url} and with ${otherUrl}: select one with --url`;
    return new Problem("usage", message, { hint: withFlag(typed, "--url", url) });
  }
  const message = `${name} is registered twice with ${url}, as ${recorded.id} and as ${other.recorded.id}: give the number in place of the name`;
  return new Problem("usage", message, {
    hint: typed.map((word) => (word === name ? String(recorded.id || other.recorded.id) : word)),
  });
}

/**
 * Deletes the runner in GitLab, and returns warnings. With `force`, a GitLab that refuses or cannot be reached is a
 * warning; otherwise it is a Problem. If the runner cannot be removed from config.toml, GitLab is not contacted.
 */
export async function forgetInGitLab(host: Host, { recorded, runner }: KnownRunner, force: boolean): Promise<string[]> {
  const { name } = recorded;
  if (runner === null) {
    return [
      `${name} has no section in ${runnerConfigPath}, so GitLab was not contacted: delete it at ${recorded.url} if it exists`,
    ];
  }
  demandEditable(configText(host), removals(readConfig(host), runner), runnerConfigFile);
  demandReplaceableFile(host);
  const { url, token } = runner;
  const server = { url, caPath: runner["tls-ca-file"], ...(force && { impatient: true as const }) };
  try {
    const answer = await deleteRunner(host, server, {
      token,
      systemId: systemIdOf(host),
      isRegisteredHere: isRegisteredHere(host, runner),
    });
    return answer === "gone" ? [`${url} no longer had ${name}`] : [];
  } catch (error) {
    if (!force) throw error;
    return [`GitLab could not be contacted; delete ${name} there: ${Problem.of(error).message}`];
  }
}

/** Returns the recipe that removes the runner's sections and its record, so that its token is nowhere on the host. */
export function unregistration({ recorded, runner, others }: KnownRunner): Recipe {
  const { name } = recorded;
  const removal = configFile(
    `runner:${name}`,
    `${name} is not configured`,
    (config, _, warn) => {
      for (const { url, id } of others) {
        warn(`${runnerConfigPath} still has another runner ${name}, with ${url}${id > 0 ? ` (${id})` : ""}`);
      }
      return runner === null ? [] : removals(config, runner);
    },
    false,
  );
  const forgotten = recordFile((before) => {
    const left = withoutRunner(before, (each) => sameRunner(each, recorded));
    return left.length === 0 ? null : { ...before, runners: left };
  });
  return {
    command: `gitlab-runner unregister ${name}`,
    logPath: runnerLogPath,
    done: `Unregistered runner ${name}.`,
    failed: "Unregistering failed at step",
    requires: [],
    steps: [
      { id: "runner.unregister", title: `${name} is not registered`, resources: [removal, configTaken, forgotten] },
    ],
  };
}

/**
 * Returns the edits that remove the sections of a runner. The last section comes first, so that the indices of the
 * others stay valid.
 */
function removals({ runners }: RunnerConfig, runner: Runner): TomlEdit[] {
  const numbers = runners.flatMap((each, at) => (isSection(each, runner) ? [at] : []));
  return numbers.reverse().map((at) => ({ kind: "remove-table", index: at }));
}

/**
 * Returns whether a section belongs to this runner. gitlab-runner itself adds a second section for a token that it
 * already has.
 */
function isSection(section: Runner, { token, url, name, id }: Runner): boolean {
  if (!sameServer(section.url, url)) return false;
  return token.isEmpty ? section.name === name && section.id === id : section.token.equals(token);
}

/** Returns whether to delete the runner itself in GitLab, and not only its registration for this host. */
export function isRegisteredHere(reader: HostReader, runner: Runner): boolean {
  return recordOf(readRecord(reader), runner)?.owner !== undefined;
}
