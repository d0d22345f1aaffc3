// `register` of the stand-in gitlab-runner, with both kinds of tokens.

import { hostname } from "node:os";
import { TomlDate } from "smol-toml";
import { type Answered, ask, caOf, infoOf } from "./runner-api.ts";
import { newConfig, type Runner, readConfig, systemId, type Table, writeConfig } from "./runner-config.ts";
import { dockerFlags, type Given, isOn, one, register as registerFlags } from "./runner-flags.ts";
import { removeRunner, verified } from "./runner-known.ts";
import { log, plain, Refused } from "./runner-log.ts";

const executors =
  "docker docker-windows docker+machine docker-autoscaler shell ssh virtualbox parallels kubernetes custom instance";
const deprecated =
  "Support for registration tokens and runner parameters in the 'register' command has been deprecated in GitLab Runner 15.6 and will be replaced with support for authentication tokens. For more information, see https://docs.gitlab.com/ci/runners/new_creation_workflow/";
const reserved =
  "Runner configuration other than name and executor configuration is reserved (specifically --locked, --access-level, --run-untagged, --maximum-timeout, --paused, --tag-list, and --maintenance-note) and cannot be specified when registering with a runner authentication token. This configuration is specified on the GitLab server. Please try again without specifying any of those arguments. For more information, see https://docs.gitlab.com/ci/runners/new_creation_workflow/#changes-to-the-gitlab-runner-register-command-syntax";
const legacyCompatible =
  "You have specified an authentication token in the legacy parameter --registration-token. This has triggered the 'legacy-compatible registration process' which has resulted in the following command line parameters being ignored: --locked, --access-level, --run-untagged, --maximum-timeout, --paused, --tag-list, and --maintenance-note. For more information, see https://docs.gitlab.com/ci/runners/new_creation_workflow/#changes-to-the-gitlab-runner-register-command-syntax";

export async function register(given: Given, path: string): Promise<void> {
  const level = one(given, "access-level");
  if (!["", "not_protected", "ref_protected"].includes(level)) {
    panic("Given access-level is not valid. Refer to gitlab-runner register -h for the correct options.");
  }
  const template = fromTemplate(one(given, "template-config"));
  const config = loadedForRegister(path);
  const system = systemId(path);
  const url = one(given, "url") || template?.url || "";
  const token = one(given, "token") || one(given, "registration-token");
  needed("url", url, given);
  needed("registration-token", token, given);
  if (config.runners.some((each) => each.token === token)) {
    log("warning", "A runner with this system ID and token has already been registered.");
  }
  const runner = describe(given, { ...template, url, token });
  const asked = one(given, "executor") || template?.executor || "";
  const undo = token.startsWith("glrt-")
    ? await withAuthenticationToken(given, runner, asked, system)
    : await withOtherToken(given, runner, system);
  needed("name", runner.name, given);
  try {
    settle(given, runner, asked, template);
  } catch (error) {
    if (!isOn(given, "leave-runner")) await undo();
    throw error;
  }
  config.runners.push(runner);
  writeConfig(path, config);
  warnOfLimits(runner, Number(config.globals.concurrent ?? 1));
  plain();
  log(
    "info",
    "Runner registered successfully. Feel free to start it, but if it's running already the config should be automatically reloaded!",
  );
  plain();
  log("info", `Configuration (with the authentication token) was saved in ${JSON.stringify(path)}`);
}

function panic(message: string): never {
  throw new Refused("panic", message);
}

function needed(name: string, value: string, given: Given): void {
  if (value !== "") return;
  if (isOn(given, "non-interactive")) panic(`The ${name} needs to be entered`);
  plain(`Enter the ${name}:`);
  panic("Unexpected EOF. Did you mean to use --non-interactive?");
}

function loadedForRegister(path: string) {
  try {
    return readConfig(path) ?? newConfig();
  } catch (error) {
    return panic((error as Error).message);
  }
}

function fromTemplate(path: string): Runner | undefined {
  if (path === "") return undefined;
  log("info", `Merging configuration from template file ${JSON.stringify(path)}`);
  const bad = (error: string) =>
    new Refused("fatal", "Could not handle configuration merging from template file", { error });
  let runners: Runner[];
  try {
    const config = readConfig(path);
    if (config === null) throw new Error(`open ${path}: no such file or directory`);
    runners = config.runners;
  } catch (error) {
    throw bad(`couldn't load configuration template file: ${(error as Error).message}`);
  }
  const [only, ...more] = runners;
  if (only === undefined || more.length > 0) {
    throw bad("configuration template must contain exactly one [[runners]] entry");
  }
  return only;
}

function describe(given: Given, template: Partial<Runner> & { url: string; token: string }): Runner {
  const { url, token, executor = "", ...rest } = template;
  const runner: Runner = {
    ...(rest as Table),
    name: given.name === undefined ? hostname() : one(given, "name"),
    url,
    token,
    executor,
  };
  for (const name of ["limit", "output-limit", "request-concurrency"]) {
    if (given[name] !== undefined) runner[name.replace("-", "_")] = Number(given[name]);
  }
  for (const name of ["builds-dir", "cache-dir", "shell", "clone-url"]) {
    if (given[name] !== undefined) runner[name.replace("-", "_")] = one(given, name);
  }
  if (given.env !== undefined) runner.environment = [given.env].flat();
  if (given["tls-ca-file"] !== undefined) runner["tls-ca-file"] = one(given, "tls-ca-file");
  return runner;
}

type Undo = () => Promise<void>;

async function withAuthenticationToken(given: Given, runner: Runner, executor: string, system: string): Promise<Undo> {
  if (isReserved(given)) {
    if (one(given, "token") !== "") throw new Refused("fatal", reserved);
    log("warning", legacyCompatible);
  }
  const { state, answer } = await verified(runner, system, executor);
  if (state !== "valid" || Number(answer.json?.id ?? 0) === 0) panic("Failed to verify the runner.");
  take(runner, answer, runner.token);
  return async () => void (await removeRunner(runner, system));
}

function isReserved(given: Given): boolean {
  return (
    given.locked === "false" ||
    ["run-untagged", "paused"].some((name) => isOn(given, name)) ||
    ["access-level", "tag-list", "maintenance-note"].some((name) => one(given, name) !== "") ||
    Number(given["maximum-timeout"] ?? 0) !== 0
  );
}

async function withOtherToken(given: Given, runner: Runner, system: string): Promise<Undo> {
  if (one(given, "token") !== "") {
    log("info", "Token specified trying to verify runner...");
    log("warning", "If you want to register use the '-r' instead of '-t'.");
    const { state } = await verified(runner, system, "");
    if (state !== "valid") panic("Failed to verify the runner. You may be having network problems.");
    return async () => {};
  }
  log("warning", deprecated);
  const answer = await created(given, runner);
  const { status, outcome, headers } = answer;
  if (status === 403) {
    log("error", "Registering runner... forbidden (check registration token)", { status: outcome });
  } else if (status !== 201) {
    log("error", "Registering runner... failed", { status: outcome });
  } else if (answer.json === null) {
    const got = headers.get("Content-Type")?.split(";")[0] ?? "";
    const wrong = `response is not application/json: server should return application/json. Got: ${got}`;
    log("error", "Registering runner... failed", { status: wrong });
  } else {
    log("info", "Registering runner... succeeded");
    take(runner, answer, "");
    return async () => void (await removeRunner(runner, system));
  }
  return panic("Failed to register the runner.");
}

function created(given: Given, runner: Runner): Promise<Answered> {
  const text = (name: string) => one(given, name) || undefined;
  const body = {
    description: runner.name,
    maintenance_note: text("maintenance-note"),
    tag_list: text("tag-list"),
    run_untagged: isOn(given, "run-untagged") || one(given, "tag-list") === "",
    locked: given.locked !== "false",
    access_level: text("access-level"),
    maximum_timeout: Number(given["maximum-timeout"] ?? 0) || undefined,
    paused: isOn(given, "paused"),
    info: infoOf(""),
    token: runner.token,
  };
  const { url, token } = runner;
  return ask({ method: "POST", url, path: "runners", token, body, ...caOf(runner) });
}

function take(runner: Runner, { json }: Answered, otherwise: string): void {
  const { id, token, token_expires_at: expires } = json ?? {};
  runner.id = Number(id);
  runner.token = typeof token === "string" ? token : otherwise;
  runner.token_obtained_at = new TomlDate(new Date().toISOString().replace(/\.\d+/, ""));
  if (typeof expires === "string") {
    runner.token_expires_at = new TomlDate(new Date(expires).toISOString().replace(/\.\d+/, ""));
  }
}

function settle(given: Given, runner: Runner, executor: string, template: Runner | undefined): void {
  needed("executor", executor || (isOn(given, "non-interactive") ? "none" : ""), given);
  if (!executors.split(" ").includes(executor)) panic("Invalid executor specified");
  runner.executor = executor;
  delete runner.docker;
  if (!executor.startsWith("docker")) return;
  const docker: Table = { ...((template?.docker ?? {}) as Table) };
  for (const [name, key] of dockerFlags) {
    const value = given[name];
    if (value === undefined) continue;
    const { kind } = registerFlags[name] ?? {};
    docker[key] = kind === "switch" ? value === "true" : kind === "number" ? Number(value) : value;
  }
  if (!docker.image) needed("docker-image", "", given);
  const volumes = [docker.volumes ?? []].flat() as string[];
  if (docker.disable_cache !== true && !volumes.some((each) => each.endsWith("/cache"))) volumes.push("/cache");
  runner.docker = { ...docker, volumes };
}

function warnOfLimits(runner: Runner, concurrent: number): void {
  const limits = { "job concurrency": runner.limit, "request concurrency": runner.request_concurrency };
  for (const [name, limit] of Object.entries(limits)) {
    if (Number(limit ?? 0) <= concurrent) continue;
    const global = `is larger than current global concurrency limit (${concurrent}).`;
    log(
      "warning",
      `The specified runner ${name} limit (${limit}) ${global} The global concurrent limit will not be increased and takes precedence.`,
    );
  }
}
