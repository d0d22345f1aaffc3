// Reads and writes config.toml of the stand-in gitlab-runner. Like the real one, it drops comments and unknown keys,
// and writes in place, so that mode, owner and inode stay.

import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { parse, TomlDate, TomlError } from "smol-toml";
import { log, Refused } from "./runner-log.ts";

export type Value = string | number | boolean | TomlDate | Value[] | Table;
export interface Table {
  [key: string]: Value;
}

export interface Runner extends Table {
  name: string;
  url: string;
  token: string;
  executor: string;
}

export interface Config {
  globals: Table;
  session: Table;
  runners: Runner[];
  /** Whether the file existed. The real one then writes an additional key. */
  existed: boolean;
  unknown: string[];
}

const globalKeys =
  "concurrent log_level log_format check_interval connection_max_age sentry_dsn user listen_address shutdown_timeout";
const runnerKeys = `name limit output_limit request_concurrency strict_check_interval unhealthy_requests_limit
  unhealthy_interval url id token token_obtained_at token_expires_at tls-ca-file tls-cert-file tls-key-file executor
  builds_dir cache_dir clone_url environment pre_get_sources_script post_get_sources_script pre_build_script
  post_build_script debug_trace_disabled shell feature_flags custom_build_dir cache docker`;
const dockerKeys = `host tls_cert_path tls_verify hostname image runtime memory memory_swap memory_reservation
  cpuset_cpus cpus cpu_shares dns dns_search privileged services_privileged disable_entrypoint_overwrite user
  allowed_users userns_mode cap_add cap_drop oom_kill_disable oom_score_adjust security_opt devices gpus disable_cache
  volumes volume_keep volume_driver cache_dir extra_hosts volumes_from network_mode links services
  wait_for_services_timeout allowed_images allowed_privileged_images allowed_privileged_services allowed_pull_policies
  allowed_services pull_policy shm_size tmpfs services_tmpfs sysctls helper_image helper_image_flavor ulimit
  network_mtu container_labels`;
const listOf = (keys: string): string[] => keys.split(/\s+/);
const order = { globals: listOf(globalKeys), runners: listOf(runnerKeys), docker: listOf(dockerKeys) };

/** The keys of `[runners.docker]`. Each has a `register` flag of that name. */
export const dockerSettings = order.docker;

/** Tables with a section of their own. Any other table is written inline. */
const tables = ["feature_flags", "custom_build_dir", "cache", "s3", "gcs", "azure", "docker"];
const never = new TomlDate("0001-01-01T00:00:00Z");
const types: Record<string, string> = { concurrent: "number", limit: "number", check_interval: "number" };

/** Returns null if the file does not exist. Throws the error message for an invalid one. */
export function readConfig(path: string): Config | null {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return null;
    throw new Error(`open ${path}: ${code === "EACCES" ? "permission denied" : code}`);
  }
  return decode(text);
}

function decode(text: string): Config {
  const table = parsed(text);
  const unknown = Object.keys(table).filter((key) => !known("globals", key));
  const runners = ((table.runners ?? []) as Table[]).map((each) => {
    unknown.push(...strangers("runners", each).map((key) => `runners.${key}`));
    const docker = (each.docker ?? {}) as Table;
    unknown.push(...strangers("docker", docker).map((key) => `runners.docker.${key}`));
    return { name: "", url: "", token: "", executor: "", ...each } as Runner;
  });
  const session = (table.session_server ?? { session_timeout: 1800 }) as Table;
  return { globals: table, session, runners, existed: true, unknown };
}

function parsed(text: string): Table {
  const wrong = (line: number, key: string, what: string) =>
    new Error(`decoding configuration file: toml: line ${line} (last key ${JSON.stringify(key)}): ${what}`);
  const lines = text.split("\n");
  let table: Table;
  try {
    table = parse(text) as Table;
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const key = /^\s*([\w-]+)\s*=/.exec(lines[error.line - 1] ?? "")?.[1] ?? "";
    throw wrong(error.line, key, error.message.split("\n")[0]?.replace("Invalid TOML document: ", "") ?? "");
  }
  for (const each of [table, ...((table.runners ?? []) as Table[])]) {
    for (const [key, value] of Object.entries(each)) {
      const type = types[key];
      if (type === undefined || typeof value === type) continue;
      const line = lines.findIndex((one) => one.trimStart().startsWith(key)) + 1;
      throw wrong(line, key, `incompatible types: TOML value has type ${typeof value}; destination has type integer`);
    }
  }
  return table;
}

function known(kind: keyof typeof order, key: string): boolean {
  return order[kind].includes(key) || (kind === "globals" && ["runners", "session_server"].includes(key));
}

function strangers(kind: "runners" | "docker", table: Table): string[] {
  return Object.keys(table).filter((key) => !known(kind, key));
}

export function newConfig(): Config {
  const globals = { concurrent: 1, check_interval: 0, shutdown_timeout: 0 };
  return { globals, session: { session_timeout: 1800 }, runners: [], existed: false, unknown: [] };
}

export function writeConfig(path: string, config: Config): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, encoded(config), { mode: 0o600 });
}

function encoded({ globals, session, runners, existed }: Config): string {
  const kept = { concurrent: 1, check_interval: 0, shutdown_timeout: 0, ...globals };
  const top = existed ? { connection_max_age: "15m0s", ...kept } : kept;
  const lines = [...valuesOf(top, order.globals, ""), "", "[session_server]", ...valuesOf(session, null, "  ")];
  for (const runner of runners) {
    const dates = { id: 0, token_obtained_at: never, token_expires_at: never };
    lines.push("", "[[runners]]", ...valuesOf({ ...dates, ...runner }, order.runners, "  "));
    lines.push(...tablesOf(runner));
  }
  return `${lines.join("\n")}\n`;
}

function tablesOf(runner: Runner): string[] {
  const table = (name: string) => (runner[name] ?? {}) as Table;
  const cache = table("cache");
  const lines: string[] = [];
  for (const name of ["feature_flags", "custom_build_dir"]) {
    if (name in runner) lines.push(`  [runners.${name}]`, ...valuesOf(table(name), null, "    "));
  }
  lines.push("  [runners.cache]", ...valuesOf({ MaxUploadedArchiveSize: 0, ...cache }, null, "    "));
  for (const [name, preset] of [
    ["s3", { AssumeRoleMaxConcurrency: 0 }] as const,
    ["gcs", {}] as const,
    ["azure", {}] as const,
  ]) {
    const own = (cache[name] ?? {}) as Table;
    lines.push(`    [runners.cache.${name}]`, ...valuesOf({ ...preset, ...own }, null, "      "));
  }
  if (runner.executor.startsWith("docker") || "docker" in runner) {
    const zero = {
      tls_verify: false,
      image: "",
      privileged: false,
      disable_entrypoint_overwrite: false,
      oom_kill_disable: false,
      disable_cache: false,
      volume_keep: false,
      shm_size: 0,
      network_mtu: 0,
    };
    lines.push("  [runners.docker]", ...valuesOf({ ...zero, ...table("docker") }, order.docker, "    "));
  }
  return lines;
}

/** Returns the lines of a table without its subtables. `keys` lists the keys to write, in order. */
function valuesOf(table: Table, keys: string[] | null, indent: string): string[] {
  return (keys ?? Object.keys(table)).flatMap((key) => {
    const value = table[key];
    if (value === undefined || tables.includes(key)) return [];
    return `${indent}${key} = ${literal(value)}`;
  });
}

function isTable(value: Value): value is Table {
  return typeof value === "object" && !Array.isArray(value) && !(value instanceof Date);
}

function literal(value: Value): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (value instanceof Date) return value.toISOString().replace(/\.\d+/, "");
  if (isTable(value))
    return `{${Object.entries(value)
      .map(([key, each]) => `${key} = ${literal(each)}`)
      .join(", ")}}`;
  return String(value);
}

/** Returns the system id. It is created by any command that loads a configuration. */
export function systemId(configPath: string): string {
  const path = `${dirname(configPath)}/.runner_system_id`;
  const kept = existsSync(path) ? readFileSync(path, "utf8").trim() : "";
  if (/^[sr]_[0-9a-zA-Z]{12}$/.test(kept)) return kept;
  const machine = existsSync("/etc/machine-id") ? readFileSync("/etc/machine-id", "utf8").trim() : "";
  const digest = new Bun.CryptoHasher("sha256").update(machine || crypto.randomUUID()).digest("hex");
  const made = `${machine ? "s" : "r"}_${digest.slice(0, 12)}`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const isNew = !existsSync(path);
    writeFileSync(path, made);
    if (isNew) chmodSync(path, 0o600);
    log("info", "Created missing unique system ID", { system_id: made });
  } catch {
    log("warning", "Couldn't save new system ID on state file.", { state_file: path, system_id: made });
  }
  return made;
}

/** Returns null only if the file does not exist, and leaves the message to the caller. */
export function loadConfig(path: string): Config | null {
  try {
    return readConfig(path);
  } catch (error) {
    throw new Refused("fatal", (error as Error).message);
  }
}
