// Reads the runners of this host from config.toml, and finds faults in it that gitlab-runner does not report.

import * as v from "valibot";
import type { HostReader } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import { regularFile } from "../problem/regular-file.ts";
import { hintToShow, hintToShowWithoutTokens } from "../problem/show-file.ts";
import { Secret } from "../text/secret.ts";
import { parseToml, type TomlFile } from "../toml/edit.ts";
import { memoize } from "../toml/remembered.ts";
import { runnerConfigPath } from "./paths.ts";
import { bareAddress } from "./registration/gitlab-api.ts";

const text = (key: string) => v.optional(v.string(`${key} is a text in quotes`), "");

/** config.toml, whose runners are `[[runners]]`. */
export const runnerConfigFile: TomlFile = { path: runnerConfigPath, array: "runners" };

/**
 * The keys of a `[[runners]]` that edox-ops reads; other keys are allowed. A missing key has gitlab-runner's default.
 */
const runnerSchema = v.looseObject(
  {
    name: text("name"),
    url: text("url"),
    token: v.pipe(
      text("token"),
      v.transform((token) => new Secret(token)),
    ),
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
  "it is not a table",
);

export type Runner = v.InferOutput<typeof runnerSchema>;
export type RunnerConfig = v.InferOutput<typeof configSchema>;

/**
 * Returns the text of config.toml, or "" if it is missing. Encoded as UTF-8 the text is the same file to the byte, with
 * its byte order mark and line ends. Throws UnknownStateError for users other than root, and a Problem for anything
 * that is not a regular file in UTF-8.
 */
export function configText(reader: HostReader): string {
  if (reader.readLink(runnerConfigPath) !== null) {
    const message = `${runnerConfigPath} is a link, which edox-ops does not write through`;
    throw new Problem("conflict", message, { hint: ["ls", "-l", runnerConfigPath] });
  }
  const bytes = regularFile(reader, runnerConfigPath) ?? new Uint8Array();
  const text = strictText(bytes);
  if (text !== null) return text;
  const line = lineOfInvalid(bytes);
  const message = `${runnerConfigPath} is not UTF-8 at line ${line}: gitlab-runner cannot load it either`;
  throw new Problem("invalid-config", message, { hint: hintToShow(runnerConfigPath, line) });
}

/** Returns null for bytes that are not UTF-8. */
function strictText(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** Returns the number of the first line that is not UTF-8. A line feed is never part of a longer character. */
function lineOfInvalid(bytes: Uint8Array): number {
  for (let line = 1, from = 0; ; line += 1) {
    const end = bytes.indexOf(0x0a, from);
    if (end < 0 || strictText(bytes.subarray(from, end)) === null) return line;
    from = end + 1;
  }
}

/** Reads config.toml. Throws a Problem that names the key and never a value, because values may be tokens. */
export function readConfig(reader: HostReader): RunnerConfig {
  return configOf(configText(reader));
}

export interface Survey extends RunnerConfig {
  /** A sentence for each invalid section. */
  invalid: string[];
}

/**
 * Reads the file for read-only commands: each `[[runners]]` is validated separately. gitlab-runner loads no section
 * while one is invalid, so commands that change the file use {@link readConfig}.
 */
export function surveyConfig(reader: HostReader): Survey {
  return surveyOf(configText(reader));
}

const surveyOf = memoize((content: string): Survey => {
  const parsed = parseToml(content, runnerConfigFile);
  if (!Array.isArray(parsed.runners)) return { ...checkedConfig(parsed), invalid: [] };
  const invalid: string[] = [];
  const runners = parsed.runners.filter((section, i) => {
    const found = v.safeParse(runnerSchema, section);
    if (!found.success) invalid.push(`${runnerConfigPath} has runner ${i + 1} wrong: ${found.issues[0].message}`);
    return found.success;
  });
  return { ...checkedConfig({ ...parsed, runners }), invalid };
});

/** Returns the meaning of a text. It is shared, and callers must not change it. */
export const configOf = memoize((content: string): RunnerConfig => checkedConfig(parseToml(content, runnerConfigFile)));

function checkedConfig(parsed: unknown): RunnerConfig {
  const found = v.safeParse(configSchema, parsed);
  if (found.success) return found.output;
  const [issue] = found.issues;
  const at = v.getDotPath(issue)?.replace(/^runners\.(\d+)/, (_, index) => `runner ${Number(index) + 1}`);
  const message = `${runnerConfigPath} has ${at ?? "something"} wrong: ${issue.message}`;
  throw new Problem("invalid-config", message, { hint: hintToShowWithoutTokens(runnerConfigPath) });
}

/**
 * Returns whether two addresses refer to the same server and path in any spelling. Schemes and ports are significant.
 */
export function sameServer(one: string, other: string): boolean {
  return one === other || normalizeUrl(one) === normalizeUrl(other);
}

/** Returns the address without user name, password, default port, upper case, and the trailing dot of a host name. */
function normalizeUrl(address: string): string {
  if (!URL.canParse(address)) return bareAddress(address);
  const { protocol, hostname, port, pathname } = new URL(address);
  return bareAddress(`${protocol}//${hostname.replace(/\.$/, "")}${port && `:${port}`}${pathname}`);
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

/**
 * Returns a sentence for each fault that gitlab-runner and its `lint` accept silently, but that prevents jobs from
 * running.
 */
export function faultsOf({ concurrent, runners }: RunnerConfig): string[] {
  const faults: string[] = [];
  const firsts = new Map<string, number>();
  if (!Number.isInteger(concurrent) || concurrent < 1) faults.push("concurrent is less than 1: no job would run");
  for (const [i, runner] of runners.entries()) {
    const name = runner.name || `runner ${i + 1}`;
    if (runner.url === "" || runner.token.isEmpty) faults.push(`${name} has no url or no token`);
    if (!executors.includes(runner.executor)) faults.push(`${name} has an unknown executor`);
    if (runner.executor === "docker" && !runner.docker?.image) faults.push(`${name} has no docker.image`);
    const first = runner.token.isEmpty ? undefined : firsts.get(runner.token.digest());
    if (first === undefined) firsts.set(runner.token.digest(), i + 1);
    else faults.push(`${name} has the token of runner ${first}: they are one runner for GitLab`);
  }
  return faults;
}
