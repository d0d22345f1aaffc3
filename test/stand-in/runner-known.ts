// Commands of the stand-in gitlab-runner for configured runners: list, verify, unregister, lint.

import { type Answered, ask, caOf, infoOf, short } from "./runner-api.ts";
import { type Config, loadConfig, type Runner, readConfig, systemId, writeConfig } from "./runner-config.ts";
import { type Given, isOn, one } from "./runner-flags.ts";
import { log, Refused } from "./runner-log.ts";

type State = "valid" | "gone" | "unknown";

const isNew = ({ token }: Runner): boolean => token.startsWith("glrt-");

export function list(path: string): void {
  let config: Config | null = null;
  let problem = "";
  try {
    config = readConfig(path);
  } catch (error) {
    problem = (error as Error).message;
  }
  if (problem === "") systemId(path);
  log("info", "Listing configured runners", { ConfigFile: path });
  if (problem !== "") log("warning", problem);
  for (const { name, executor, token, url } of config?.runners ?? []) {
    log("info", name, { Executor: executor, Token: token, URL: url });
  }
}

/** Verifies a runner, logs the result and returns it. */
export async function verified(
  runner: Runner,
  system: string,
  executor: string,
): Promise<{ state: State; answer: Answered }> {
  const { url, token } = runner;
  const body = { info: infoOf(executor), token, system_id: system };
  const asking = { method: "POST", url, path: "runners/verify", token, body, ...caOf(runner) } as const;
  let answer = await ask(asking);
  if (answer.status === 200 && answer.json === null) answer = await ask(asking);
  const fields = { runner: short(token), runner_name: runner.name, correlation_id: correlation() };
  if (answer.status === 200) {
    log("info", `Verifying runner... is ${isNew(runner) ? "valid" : "alive"}`, fields);
    return { state: "valid", answer };
  }
  if (answer.status === 403) {
    if (isNew(runner)) log("info", "Verifying runner... is not valid", fields);
    else log("error", "Verifying runner... is removed", { ...fields, status: answer.outcome });
    return { state: "gone", answer };
  }
  const how = /^(get client|only http)/.test(answer.outcome) ? "client error" : "failed";
  log("error", `Verifying runner... ${how}`, { ...fields, status: answer.outcome });
  return { state: "unknown", answer };
}

const correlation = (): string => crypto.randomUUID().replaceAll("-", "");

export async function verify(given: Given, path: string): Promise<void> {
  const config = loadConfig(path);
  const system = systemId(path);
  if (config === null || config.runners.length === 0) return;
  const { name, token } = given;
  const chosen = config.runners.filter((each) => {
    if (given.url !== undefined && name === undefined && token === undefined) return false;
    return (name === undefined || each.name === name) && (token === undefined || each.token === token);
  });
  if (chosen.length === 0) throw new Refused("fatal", "mutate config: no runner matches the filtering parameters");
  const gone: Runner[] = [];
  for (const each of chosen) {
    if ((await verified(each, system, each.executor)).state === "gone") gone.push(each);
  }
  if (gone.length === 0) return;
  if (!isOn(given, "delete")) throw new Refused("fatal", "Failed to verify runners");
  save(path, config, gone);
}

function save(path: string, config: Config, removed: Runner[]): void {
  writeConfig(path, { ...config, runners: config.runners.filter((each) => !removed.includes(each)) });
  log("info", `Updated ${path}`);
}

export async function unregister(given: Given, path: string): Promise<void> {
  const config = loadConfig(path);
  const system = systemId(path);
  const runners = config?.runners ?? [];
  if (isOn(given, "all-runners")) {
    log("warning", "Unregistering all runners");
    const removed: Runner[] = [];
    for (const each of runners) {
      if (await removeRunner(each, system)) removed.push(each);
      else log("error", "Failed to unregister runners", { error: `failed to unregister runner "${each.name}"` });
    }
    if (config !== null && removed.length > 0) save(path, config, removed);
    return;
  }
  const name = one(given, "name");
  const token = one(given, "token");
  if (name === "" && token === "")
    throw failedTo("get runner by token or name: at least one of --name or --token must be specified");
  const found = runners.find((each) => (token === "" ? each.name === name : each.token === token));
  if (config === null || found === undefined) {
    const sought = token === "" ? `the name '${name}'` : `the token '${short(token)}'`;
    throw failedTo(`get runner by token or name: could not find a runner with ${sought}`);
  }
  if (!(await removeRunner(found, system))) throw failedTo(`failed to unregister runner "${found.name}"`);
  save(path, config, token === "" ? [found] : runners.filter((each) => each.token === token));
}

function failedTo(error: string): Refused {
  const whole = `mutate config: unregister runner: ${error}`;
  return new Refused("fatal", "failed to unregister runner", { error: whole });
}

/** Removes this machine as a manager of a new runner, or an old runner as a whole. */
export async function removeRunner(runner: Runner, system: string): Promise<boolean> {
  const { url, token } = runner;
  const [path, what, body] = isNew(runner)
    ? ["runners/managers", "runner manager", { token, system_id: system }]
    : ["runners", "runner", { token }];
  const { status, outcome } = await ask({ method: "DELETE", url, path, token, body, ...caOf(runner) });
  const fields = { runner: short(token) };
  if (status === 204) log("info", `Unregistering ${what} from GitLab succeeded`, fields);
  else if (status === 403) log("error", `Unregistering ${what} from GitLab forbidden`, { ...fields, status: outcome });
  else log("error", `Unregistering ${what} from GitLab failed`, { ...fields, status: outcome });
  return status === 204;
}

export function lint(path: string): void {
  let config: Config | null;
  try {
    config = readConfig(path);
  } catch (error) {
    throw new Refused("fatal", `decoding config: ${(error as Error).message}`);
  }
  if (config === null) throw new Refused("fatal", `config file not found: ${path}`);
  const { unknown, runners } = config;
  if (unknown.length > 0) {
    const lines = unknown.map((key) => `  unknown key: ${key}`);
    throw new Refused("fatal", [`${unknown.length} unknown key(s) found in ${path}:`, ...lines].join("\n"));
  }
  const empty = runners.flatMap((each, at) =>
    (["token", "url"] as const)
      .filter((key) => each[key] === "")
      .map((key) => `- at '/runners/${at}/${key}': minLength: got 0, want 1`),
  );
  if (empty.length > 0) {
    const head = "config schema validation failed: jsonschema validation failed with 'file:///config_schema.json#'";
    throw new Refused("fatal", [head, ...empty].join("\n"));
  }
  log("info", "Configuration file is valid.");
}
