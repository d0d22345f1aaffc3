// The command line. Each command, and each feature, is a module that is imported when it is used.

import { sessionWord } from "../deploy-keys/names.ts";
import { UnknownStateError } from "../host/host.ts";
import { OutputError } from "../host/system-error.ts";
import { Problem } from "../problem/problem.ts";
import { completionWord } from "../report/completion-scripts.ts";
import { UnfinishedRun } from "../run/result.ts";
import { withoutSecrets } from "../run/without-secrets.ts";
import { readArguments, usage } from "./arguments.ts";
import type { Command } from "./command.ts";
import { type Context, exitCode, exitMeaning } from "./context.ts";
import { featureCommand } from "./feature-command.ts";
import { featureCommands } from "./feature-commands.ts";
import { refuse } from "./refuse.ts";
import { correctionOf, isVersionWord, type Resolved, resolve } from "./resolve.ts";

/** The root of all commands. */
export const root: Command = {
  meta: {
    name: "edox-ops",
    description: "Set up Linux hosts for documentation sites and CI, from one executable",
    long: [
      "Commands are idempotent: satisfied steps are skipped, and a failed step is rolled back.",
      "Commands that change the host need root, and show their plan with --dry-run.",
    ],
    examples: [
      "sudo edox-ops bootstrap",
      "sudo edox-ops project publish docs public --domain docs.example.org",
      "sudo edox-ops doctor",
    ],
  },
  groups: {
    "Set up": ["bootstrap", "doctor", "watch", "host", "recover"],
    Backups: ["backup", "restore-host"],
    Sites: ["project", "certs", "nginx"],
    CI: ["gitlab-runner"],
    "This program": ["self-update", "bundle", "completions", "uninstall"],
  },
  subCommands: {
    ...Object.fromEntries(
      Object.entries(featureCommands).map(([name, load]) => [name, async () => featureCommand(name, await load())]),
    ),
    "gitlab-runner": () => import("./gitlab-runner.ts").then((module) => module.default),
    bundle: () => import("./bundle.ts").then((module) => module.default),
    project: () => import("./project.ts").then((module) => module.default),
    certs: () => import("./certs.ts").then((module) => module.default),
    backup: () => import("./backup.ts").then((module) => module.default),
    "restore-host": () => import("./restore-host.ts").then((module) => module.default),
    host: () => import("./host.ts").then((module) => module.default),
    doctor: () => import("./doctor.ts").then((module) => module.default),
    watch: () => import("./watch.ts").then((module) => module.default),
    recover: () => import("./recover.ts").then((module) => module.default),
    nginx: () => import("./nginx.ts").then((module) => module.default),
    "self-update": () => import("./self-update.ts").then((module) => module.default),
    uninstall: () => import("./uninstall.ts").then((module) => module.default),
    completions: () => import("./completions.ts").then((module) => module.default),
  },
};

/** Runs the command line and returns the exit code. Every failure is reported here, once, as text or JSON. */
export async function cli(given: Omit<Context, "typed" | "command">, typed: readonly string[]): Promise<number> {
  const context: Context = { ...given, typed: withoutSecrets(typed), command: "edox-ops" };
  const { console } = context;
  try {
    // A person's terminal gets the error of an unknown command.
    if (typed[0] === completionWord && typed.length > 1 && console.width("out") === null) {
      const { completionText } = await import("./complete.ts");
      await console.out(await completionText(typed.slice(1), context));
      return exitCode.done;
    }
    if (typed[0] === sessionWord && typed.length === 1) {
      return await (await import("./deploy-session.ts")).deploySession(context);
    }
    const found = await resolve(root, typed);
    const { command, names, rest, asksForHelp } = found;
    if (names.length > 0) context.command = names.join(" ");
    if (asksForHelp || typed.length === 0) {
      await console.out(await helpOf(found, console, "out"));
      return exitCode.done;
    }
    if (rest.length === 0 && command.run === undefined) {
      console.err(await helpOf(found, console, "err"));
      return exitCode.usage;
    }
    if (asksForVersion(found)) {
      await console.out(`${EDOX_OPS_VERSION}\n`);
      return exitCode.done;
    }
    const values = readArguments(rest, command.args ?? {}, correctionOf(found));
    if (command.run === undefined) throw usage("a command is missing", undefined, ["edox-ops", ...names, "--help"]);
    return await command.run(values, context);
  } catch (thrown) {
    const [error, result] = thrown instanceof UnfinishedRun ? [thrown.cause, thrown.result] : [thrown, undefined];
    // The reader of the report closed the pipe, so it needs no error.
    if (error instanceof OutputError && error.code === "EPIPE") return exitCode.failed;
    // A wrong invocation is reported as requested too, so that the values of a valid one are not needed.
    const json = typed.includes("--json=lines") ? "lines" : typed.includes("--json") ? "document" : null;
    return await refuse(problemFor(error, context), context, { result, json });
  }
}

/** Returns whether the version is asked for. Throws a usage Problem if other words are typed as well. */
function asksForVersion({ command, names, rest }: Resolved): boolean {
  const flag = rest.find((word) => isVersionWord(word) && (word.startsWith("-") || names.length === 0));
  const isOwn = flag === "--version" && command.args?.version !== undefined;
  if (flag === undefined || isOwn || (flag === "-V" && names.length > 0)) return false;
  if (names.length === 0 && rest.length === 1) return true;
  throw usage(`${flag} is used alone`, undefined, ["edox-ops", "--version"]);
}

async function helpOf({ command, names }: Resolved, console: Context["console"], to: "out" | "err"): Promise<string> {
  const { commandSpecOf } = await import("./command-spec.ts");
  const { helpText } = await import("../report/help.ts");
  const spec = await commandSpecOf(command, ["edox-ops", ...names], 1);
  const codes = Object.entries(exitMeaning).map(([name, meaning]): [number, string] => {
    return [exitCode[name as keyof typeof exitCode], meaning];
  });
  return helpText(spec, { colour: console.colour(to), width: console.width(to) ?? 80, exitCodes: codes });
}

function problemFor(error: unknown, { typed, command }: Context): Problem {
  if (error instanceof UnknownStateError)
    return new Problem("not-root", error.message, { hint: ["sudo", "edox-ops", ...typed] });
  const problem = Problem.of(error);
  const isUnexplained = problem.code === "usage" && problem.hint === undefined;
  if (problem.code !== "invalid-value" && !isUnexplained) return problem;
  // The help of the command documents its flags and the values that each accepts.
  const names = command.split(" ").filter((name) => name !== "edox-ops");
  return problem.with({ hint: ["edox-ops", ...names, "--help"] });
}
