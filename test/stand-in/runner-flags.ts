// Flags of the stand-in gitlab-runner, parsed like Go's libraries, each with its environment variable.

import { dockerSettings } from "./runner-config.ts";
import { plain, Refused } from "./runner-log.ts";

type Kind = "text" | "switch" | "number" | "list";
export interface Flag {
  kind: Kind;
  /** Alternative names. */
  also?: string[];
  env?: string;
}
export type Flags = Record<string, Flag>;
/** The values by the first name of a flag. A repeatable flag has a list. */
export type Given = Record<string, string | string[]>;

const text = (env?: string, ...also: string[]): Flag => ({ kind: "text", also, ...(env && { env }) });
const number = (env: string): Flag => ({ kind: "number", env });
const onOff = (env?: string, ...also: string[]): Flag => ({ kind: "switch", also, ...(env && { env }) });

export const config: Flags = { config: text("CONFIG_FILE", "c") };

const dockerKinds: Record<string, Kind> = {
  ...kinds("switch", "tls_verify privileged services_privileged disable_entrypoint_overwrite oom_kill_disable"),
  ...kinds("switch", "disable_cache volume_keep"),
  ...kinds("number", "cpu_shares oom_score_adjust wait_for_services_timeout shm_size network_mtu"),
  ...kinds(
    "list",
    "dns dns_search allowed_users cap_add cap_drop security_opt devices volumes extra_hosts volumes_from",
  ),
  ...kinds("list", "links allowed_images allowed_privileged_images allowed_privileged_services pull_policy"),
  ...kinds("list", "allowed_pull_policies allowed_services"),
};

function kinds(kind: Kind, names: string): Record<string, Kind> {
  return Object.fromEntries(names.split(" ").map((name) => [name, kind]));
}

/** The name of a flag, and the key of `[runners.docker]` that it sets. */
export const dockerFlags: [string, string][] = dockerSettings.map((key) => [
  ["services_privileged", "allowed_users"].includes(key) ? `docker-${key}` : `docker-${key.replaceAll("_", "-")}`,
  key,
]);

export const register: Flags = {
  ...config,
  "non-interactive": onOff("REGISTER_NON_INTERACTIVE", "n"),
  "leave-runner": onOff("REGISTER_LEAVE_RUNNER"),
  "template-config": text("TEMPLATE_CONFIG_FILE"),
  url: text("CI_SERVER_URL", "u"),
  token: text("CI_SERVER_TOKEN", "t"),
  "registration-token": text("REGISTRATION_TOKEN", "r"),
  name: text("RUNNER_NAME", "description"),
  executor: text("RUNNER_EXECUTOR"),
  "tls-ca-file": text("CI_SERVER_TLS_CA_FILE"),
  limit: number("RUNNER_LIMIT"),
  "output-limit": number("RUNNER_OUTPUT_LIMIT"),
  "request-concurrency": number("RUNNER_REQUEST_CONCURRENCY"),
  "builds-dir": text("RUNNER_BUILDS_DIR"),
  "cache-dir": text("RUNNER_CACHE_DIR"),
  shell: text("RUNNER_SHELL"),
  "clone-url": text("CLONE_URL"),
  env: { kind: "list", env: "RUNNER_ENV" },
  "tag-list": text("RUNNER_TAG_LIST"),
  "run-untagged": onOff("REGISTER_RUN_UNTAGGED"),
  locked: onOff("REGISTER_LOCKED"),
  "access-level": text("REGISTER_ACCESS_LEVEL"),
  "maximum-timeout": number("REGISTER_MAXIMUM_TIMEOUT"),
  "maintenance-note": text("REGISTER_MAINTENANCE_NOTE"),
  paused: onOff("REGISTER_PAUSED"),
  ...Object.fromEntries(
    dockerFlags.map(([name, key]) => [name, { kind: dockerKinds[key] ?? "text", env: `DOCKER_${key.toUpperCase()}` }]),
  ),
};

export const choice: Flags = {
  ...config,
  name: text(undefined, "n"),
  token: text(undefined, "t"),
  url: text(undefined, "u"),
};
export const verify: Flags = { ...choice, delete: onOff() };
export const unregister: Flags = { ...choice, "all-runners": onOff() };

export const run: Flags = {
  ...config,
  "working-directory": text(undefined, "d"),
  service: text(undefined, "n"),
  user: text(undefined, "u"),
  syslog: onOff(),
};
export const service: Flags = { ...run, "init-user": text() };

/** The flags before the subcommand. */
export const global: Flags = {
  "log-format": text("LOG_FORMAT"),
  "log-level": text("LOG_LEVEL", "l"),
  debug: onOff("RUNNER_DEBUG"),
  help: onOff(undefined, "h"),
  version: onOff(undefined, "v"),
};

/** Parses the flags. `rest` begins at the first word that is not a flag. Missing values come from the environment. */
export function read(flags: Flags, argv: readonly string[]): { given: Given; rest: string[] } {
  const given: Given = {};
  let at = 0;
  for (; at < argv.length; at++) {
    const [, word = "", , value] = /^--?([^-=][^=]*)(=([\s\S]*))?$/.exec(argv[at] ?? "") ?? [];
    if (word === "") break;
    const entry = Object.entries(flags).find(([name, { also }]) => name === word || also?.includes(word));
    if (entry === undefined) misused(`flag provided but not defined: -${word}`);
    const [name, { kind }] = entry;
    const isSwitch = kind === "switch";
    if (value === undefined && !isSwitch && at + 1 >= argv.length) misused(`flag needs an argument: -${word}`);
    if (isSwitch && value === undefined && /^(true|false)$/.test(argv[at + 1] ?? "")) {
      plain(`boolean parameters must be passed in the command line with --${word}=${argv[at + 1]}`);
    }
    set(given, name, kind, word, value ?? (isSwitch ? "true" : (argv[++at] ?? "")));
  }
  for (const [name, { kind, env }] of Object.entries(flags)) {
    const value = env === undefined ? undefined : process.env[env];
    if (given[name] !== undefined || value === undefined || value === "") continue;
    if (kind === "list") given[name] = value.split(",");
    else set(given, name, kind, name, value);
  }
  return { given, rest: argv.slice(at) };
}

function set(given: Given, name: string, kind: Kind, word: string, value: string): void {
  const said = `invalid value ${JSON.stringify(value)} for flag -${word}`;
  if (kind === "number" && !/^-?\d+$/.test(value)) {
    misused(`${said}: strconv.ParseInt: parsing ${JSON.stringify(value)}: invalid syntax`);
  }
  if (kind === "switch" && !/^(1|0|t|f|true|false)$/i.test(value)) {
    misused(`invalid boolean value ${JSON.stringify(value)} for -${word}: parse error`);
  }
  if (kind === "list") given[name] = [...[given[name] ?? []].flat(), value];
  else given[name] = kind === "switch" ? String(/^(1|t|true)$/i.test(value)) : value;
}

function misused(message: string): never {
  process.stdout.write(`Incorrect Usage: ${message}\n\nUSAGE:\n   gitlab-runner [command options] [arguments...]\n`);
  throw new Refused("fatal", message);
}

export const one = (given: Given, name: string): string => String(given[name] ?? "");
export const isOn = (given: Given, name: string): boolean => given[name] === "true";
