// A stand-in for gitlab-runner in tests: arguments in, exit code out. Its files, refusals and exit codes match those
// observed on the real one. The package's description lists what it does not support.

import { homedir } from "node:os";
import { architecture, branch, revision, version } from "./runner-api.ts";
import * as flags from "./runner-flags.ts";
import { lint, list, unregister, verify } from "./runner-known.ts";
import { log, plain, Refused, setLog } from "./runner-log.ts";
import { register } from "./runner-register.ts";
import { run } from "./runner-run.ts";
import { control, install, status, uninstall } from "./runner-service.ts";

type Command = (given: flags.Given, config: string) => Promise<void> | void | number;

const commands: Record<string, { flags: flags.Flags; speaks?: true; start: Command; about: string }> = {
  list: { flags: flags.config, start: (_, path) => list(path), about: "List all configured runners" },
  lint: { flags: flags.config, start: (_, path) => lint(path), about: "Check a configuration file" },
  run: { flags: flags.run, speaks: true, start: run, about: "Run multi runner service" },
  register: { flags: flags.register, speaks: true, start: register, about: "Register a new runner" },
  unregister: { flags: flags.unregister, speaks: true, start: unregister, about: "Unregister specific runner" },
  verify: { flags: flags.verify, speaks: true, start: verify, about: "Verify all registered runners" },
  install: { flags: flags.service, start: install, about: "Install service" },
  uninstall: { flags: flags.service, start: uninstall, about: "Uninstall service" },
  start: { flags: flags.service, start: (given) => control("start", given), about: "Start service" },
  stop: { flags: flags.service, start: (given) => control("stop", given), about: "Stop service" },
  restart: { flags: flags.service, start: (given) => control("restart", given), about: "Restart service" },
  status: { flags: flags.service, start: status, about: "Get status of a service" },
};

const userMode = [
  "Running in user-mode.",
  "The user-mode requires you to manually start builds processing:",
  "$ gitlab-runner run",
  "Use sudo for system-mode:",
  "$ sudo gitlab-runner...",
];

function help(): string {
  const lines = Object.entries(commands).map(([name, { about }]) => `   ${name.padEnd(22)} ${about}`);
  const head = "NAME:\n   gitlab-runner - a GitLab Runner (a stand-in for tests)";
  return `${head}\n\nUSAGE:\n   gitlab-runner [global options] command [command options] [arguments...]\n\nVERSION:\n   ${version} (${revision})\n\nCOMMANDS:\n${lines.join("\n")}\n`;
}

function versionText(): string {
  const rows = {
    Version: version,
    "Git revision": revision,
    "Git branch": `${branch} (a stand-in for tests)`,
    "GO version": "go1.26.8",
    Built: "2026-07-17T08:00:00Z",
    "OS/Arch": `linux/${architecture}`,
  };
  return Object.entries(rows)
    .map(([name, value]) => `${`${name}:`.padEnd(14)}${value}\n`)
    .join("");
}

async function main(argv: string[]): Promise<number> {
  const { given, rest } = flags.read(flags.global, argv);
  const [name = "", ...words] = rest;
  if (flags.isOn(given, "version")) process.stdout.write(versionText());
  else if (flags.isOn(given, "help") || ["", "help"].includes(name)) process.stdout.write(help());
  else return start(name, words, given);
  return 0;
}

async function start(name: string, words: string[], globals: flags.Given): Promise<number> {
  if (globals["log-format"] !== undefined) setLog("format", flags.one(globals, "log-format"));
  if (globals["log-level"] !== undefined) setLog("level", flags.one(globals, "log-level"));
  const command = commands[name];
  if (command === undefined) throw new Refused("fatal", `Command ${name} not found.`);
  if (words.some((word) => /^--?h(elp)?$/.test(word))) {
    process.stdout.write(help());
    return 0;
  }
  const { given } = flags.read(command.flags, words);
  log("info", "Runtime platform", { arch: architecture, os: "linux", pid: process.pid, revision, version });
  const isRoot = process.geteuid?.() === 0;
  if (command.speaks && isRoot) {
    log("info", "Running in system-mode.");
    plain();
  }
  if (command.speaks && !isRoot) for (const line of userMode) log("warning", line);
  const config =
    flags.one(given, "config") || `${isRoot ? "/etc/gitlab-runner" : `${homedir()}/.gitlab-runner`}/config.toml`;
  return (await command.start(given, config)) ?? 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Refused)) throw error;
  log(error.level, error.message, error.fields);
  process.exit(1);
}
