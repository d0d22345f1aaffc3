// The stand-in gitlab-runner as a systemd service: its unit, and its calls of systemctl.

import { existsSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { newConfig, writeConfig } from "./runner-config.ts";
import { type Given, one } from "./runner-flags.ts";
import { plain, Refused } from "./runner-log.ts";

const nameOf = (given: Given): string => one(given, "service") || "gitlab-runner";
const unitOf = (name: string): string => `/etc/systemd/system/${name}.service`;

function systemctl(...words: string[]): { code: number; out: string } {
  const { exitCode, stdout } = Bun.spawnSync(["sh", "-c", 'exec systemctl "$@"', "sh", ...words], { stderr: "ignore" });
  return { code: exitCode, out: stdout.toString().trim() };
}

function systemctlFor(verb: string, name: string, ...words: string[]): void {
  const { code } = systemctl(...words);
  if (code !== 0) throw new Refused("fatal", `Failed to ${verb} ${name}: exit status ${code}`);
}

export function install(given: Given, config: string): void {
  const name = nameOf(given);
  const [user, initUser] = [one(given, "user"), one(given, "init-user")];
  if (user !== "" && initUser !== "") throw new Refused("fatal", "Only one of 'user' or 'init-user' can be specified.");
  if (user === "" && initUser === "") {
    throw new Refused("fatal", "Please specify user that will run gitlab-runner service");
  }
  if (!existsSync("/run/systemd/system")) throw new Refused("fatal", `Failed to install ${name}: exit status 1`);
  if (existsSync(unitOf(name))) {
    throw new Refused("fatal", `Failed to install ${name}: Init already exists: ${unitOf(name)}`);
  }
  const home = initUser === "" ? "" : (/:([^:]*):[^:]*$/.exec(entryOf(initUser))?.[1] ?? "");
  const path = initUser === "" ? config : `${home}/config.toml`;
  if (!existsSync(path)) writeConfig(path, newConfig());
  writeFileSync(unitOf(name), unit(given, name, path), { mode: 0o644 });
  systemctlFor("install", name, "enable", `${name}.service`);
  systemctlFor("install", name, "daemon-reload");
}

function entryOf(user: string): string {
  return Bun.spawnSync(["getent", "passwd", user]).stdout.toString().trim();
}

function unit(given: Given, name: string, config: string): string {
  const binary = realpathSync(process.execPath);
  const user = one(given, "user");
  const dir = one(given, "working-directory") || process.cwd();
  const words = ["run", "--config", config, "--working-directory", dir, "--service", name];
  if (user !== "") words.push("--user", user);
  const lines = [
    "[Unit]",
    "Description=GitLab Runner",
    `ConditionFileIsExecutable=${binary}`,
    "After=network.target",
    "",
    "[Service]",
    "StartLimitInterval=5",
    "StartLimitBurst=10",
    `ExecStart=${binary} ${words.map((word) => JSON.stringify(word)).join(" ")}`,
    ...(user === "" ? [`User=${one(given, "init-user")}`] : []),
    "Restart=always",
    "RestartSec=120",
    "EnvironmentFile=-/etc/sysconfig/gitlab-runner",
    "",
    "[Install]",
    "WantedBy=multi-user.target",
  ];
  return `${lines.join("\n")}\n`;
}

export function uninstall(given: Given): void {
  const name = nameOf(given);
  const path = unitOf(name);
  if (!existsSync(path)) {
    throw new Refused("fatal", `Failed to uninstall ${name}: remove ${path}: no such file or directory`);
  }
  systemctlFor("uninstall", name, "disable", `${name}.service`);
  rmSync(path);
  systemctlFor("uninstall", name, "daemon-reload");
}

export function control(verb: "start" | "stop" | "restart", given: Given): void {
  const name = nameOf(given);
  systemctlFor(verb, name, verb, `${name}.service`);
}

/** Returns the exit code. */
export function status(given: Given): number {
  const name = nameOf(given);
  const { out, code } = systemctl("is-active", name);
  const listed = systemctl("list-unit-files", "-t", "service").out.includes(`${name}.service`);
  if (out === "active" || out === "activating") {
    process.stdout.write(`${name}: Service is running\n`);
    return 0;
  }
  if (code === 127) plain(`${name}: "systemctl" failed: exec: "systemctl": executable file not found in $PATH`);
  else if (out === "failed") plain(`${name}: service in failed state`);
  else if (listed) plain(`${name}: Service has stopped`);
  else plain(`${name}: the service is not installed`);
  return 1;
}
