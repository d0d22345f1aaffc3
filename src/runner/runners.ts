// The runners of this host, as config.toml says them, and what is wrong with it that gitlab-runner does not tell.

import * as v from "valibot";
import { textOf } from "../engine/facts.ts";
import { Problem } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { runnerConfigPath } from "../recipes/paths.ts";
import { parseConfig } from "./config-text.ts";
import { bareAddress } from "./gitlab.ts";

const text = (key: string) => v.optional(v.string(`${key} is a text in quotes`), "");

/** What is asked of a `[[runners]]`; it may hold much more. A key that is left out is what gitlab-runner takes it for. */
const runnerSchema = v.looseObject(
  {
    name: text("name"),
    url: text("url"),
    token: text("token"),
    executor: text("executor"),
    id: v.optional(v.number("id is a number"), 0),
    request_concurrency: v.optional(v.number("request_concurrency is a number"), 1),
    "tls-ca-file": v.optional(v.string("tls-ca-file is a text in quotes")),
    docker: v.optional(
      v.looseObject(
        {
          image: text("docker.image"),
          privileged: v.optional(v.boolean("docker.privileged is true or false"), false),
          volumes: v.optional(
            v.array(v.string("docker.volumes are texts in quotes"), "docker.volumes is an array"),
            [],
          ),
        },
        "docker is a table",
      ),
    ),
  },
  "a runner is a table",
);

const configSchema = v.looseObject(
  {
    concurrent: v.optional(v.number("concurrent is a number"), 1),
    runners: v.optional(v.array(runnerSchema, "runners is an array of tables: [[runners]]"), []),
  },
  "it is no table",
);

export type Runner = v.InferOutput<typeof runnerSchema>;
export type RunnerConfig = v.InferOutput<typeof configSchema>;

/** Its text, or "" where it is not there. Throws Unseen for who is not root, and a Problem for what is no file. */
export function configText(see: HostReader): string {
  if (see.readLink(runnerConfigPath) !== null) {
    const message = `${runnerConfigPath} is a link, which edox-ops does not write through`;
    throw new Problem("blocked", message, { hint: ["ls", "-l", runnerConfigPath] });
  }
  return textOf(see, runnerConfigPath) ?? "";
}

/** Throws a Problem that names the key, and never a value: there are tokens in it. */
export function readConfig(see: HostReader): RunnerConfig {
  return configOf(configText(see));
}

export interface Survey extends RunnerConfig {
  /** A sentence for each section that cannot be used. */
  invalid: string[];
}

/**
 * Reads the file for those that only look: each `[[runners]]` is judged by itself. gitlab-runner loads none of them while
 * one is invalid, so that a change reads the file by {@link readConfig}.
 */
export function surveyConfig(see: HostReader): Survey {
  const parsed = parseConfig(configText(see), runnerConfigPath);
  if (!Array.isArray(parsed.runners)) return { ...checked(parsed), invalid: [] };
  const invalid: string[] = [];
  const runners = parsed.runners.filter((section, i) => {
    const found = v.safeParse(runnerSchema, section);
    if (!found.success) invalid.push(`${runnerConfigPath} has runner ${i + 1} wrong: ${found.issues[0].message}`);
    return found.success;
  });
  return { ...checked({ ...parsed, runners }), invalid };
}

export function configOf(content: string): RunnerConfig {
  return checked(parseConfig(content, runnerConfigPath));
}

function checked(parsed: unknown): RunnerConfig {
  const found = v.safeParse(configSchema, parsed);
  if (found.success) return found.output;
  const [issue] = found.issues;
  const at = v.getDotPath(issue)?.replace(/^runners\.(\d+)/, (_, index) => `runner ${Number(index) + 1}`);
  const message = `${runnerConfigPath} has ${at ?? "something"} wrong: ${issue.message}`;
  throw new Problem("state", message, { hint: ["sudo", "editor", runnerConfigPath] });
}

export function sameServer(one: string, other: string): boolean {
  return bareAddress(one) === bareAddress(other);
}

const executors = [
  "shell",
  "docker",
  "docker-windows",
  "docker+machine",
  "docker-ssh",
  "docker-ssh+machine",
  "docker-autoscaler",
  "instance",
  "kubernetes",
  "ssh",
  "virtualbox",
  "parallels",
  "custom",
];

/** What gitlab-runner takes without a word, its `lint` too, and what then never runs a job. */
export function faultsOf({ concurrent, runners }: RunnerConfig): string[] {
  const faults: string[] = [];
  if (!Number.isInteger(concurrent) || concurrent < 1) faults.push("concurrent is less than 1: no job would run");
  for (const [i, runner] of runners.entries()) {
    const name = runner.name || `runner ${i + 1}`;
    if (runner.url === "" || runner.token === "") faults.push(`${name} has no url or no token`);
    if (!executors.includes(runner.executor)) faults.push(`${name} has no executor that there is`);
    if (runner.executor === "docker" && !runner.docker?.image) faults.push(`${name} has no docker.image`);
    const twin = runners.findIndex((each) => each.token === runner.token && sameServer(each.url, runner.url));
    if (twin < i && runner.token !== "") faults.push(`${name} is there twice: it is one runner for GitLab`);
  }
  return faults;
}
