// The words of the command line: each is a file, loaded when it is typed.

import { type CommandDef, type Resolvable, renderUsage, runCommand } from "citty";
import { Problem } from "../engine/step.ts";
import { checkArguments, meant, usage } from "./arguments.ts";
import { type Context, exitCode } from "./context.ts";

// biome-ignore lint/suspicious/noExplicitAny: of whatever arguments, each command declares its own
type Command = CommandDef<any>;

const root: Command = {
  meta: { name: "edox-ops", description: "Prepares a host for documentation sites, and says how healthy it is" },
  subCommands: {
    bootstrap: () => import("./bootstrap.ts").then((module) => module.default),
    doctor: () => import("./doctor.ts").then((module) => module.default),
  },
};

const exitCodes = `EXIT CODES

  0  as wanted
  1  a step or a check failed
  2  wrong invocation: an unknown flag, a missing --yes, not root
  3  --check found something to change
  75 another run holds the lock: try again
`;

/** Runs what was typed and answers the exit code. Every failure is told here, once, in words or as JSON. */
export async function cli(context: Omit<Context, "typed">, typed: readonly string[]): Promise<number> {
  const { console } = context;
  let names: string[] = [];
  try {
    const found = await resolve(root, typed);
    names = found.names;
    const help = found.rest.includes("--help") || found.rest.includes("-h");
    if (help || (found.command === root && typed.length === 0)) {
      const parent = { meta: { name: ["edox-ops", ...names.slice(0, -1)].join(" ") } };
      const text = await renderUsage(found.command, found.command === root ? undefined : parent);
      console.out(`${console.colour ? text : Bun.stripANSI(text)}\n\n${exitCodes}`);
      return exitCode.done;
    }
    checkArguments(found.rest, (found.command.args ?? {}) as Record<string, never>);
    if (found.command.run === undefined) throw usage("a command is missing");
    const { result } = await runCommand(found.command, { rawArgs: found.rest, data: { ...context, typed } });
    return result as number;
  } catch (error) {
    const problem = error instanceof Problem ? error : unexpected(error);
    return await refuse(problem, names.join(" ") || "edox-ops", typed, console);
  }
}

/** Follows the words to the last command they name. */
async function resolve(from: Command, typed: readonly string[]) {
  let command = from;
  const names: string[] = [];
  let rest = [...typed];
  while (command.subCommands !== undefined) {
    const known = command.subCommands as Record<string, Resolvable<Command>>;
    const [word] = rest;
    if (word === undefined || word.startsWith("-")) break;
    const sub = Object.hasOwn(known, word) ? known[word] : undefined;
    if (sub === undefined) throw usage(`unknown command '${word}'`, meant(word, Object.keys(known)));
    command = await (typeof sub === "function" ? sub() : sub);
    names.push(word);
    rest = rest.slice(1);
  }
  return { command, names, rest };
}

const exits: Partial<Record<Problem["code"], number>> = {
  usage: exitCode.usage,
  "not-root": exitCode.usage,
  "not-confirmed": exitCode.usage,
  locked: exitCode.busy,
};

async function refuse(problem: Problem, command: string, typed: readonly string[], console: Context["console"]) {
  const exit = exits[problem.code] ?? exitCode.failed;
  if (typed.includes("--json")) {
    const { jsonOf, problemOf } = await import("../report/json.ts");
    const outcome = exit === exitCode.busy ? "busy" : problem.code === "internal" ? "failed" : "refused";
    console.out(jsonOf({ command, outcome, exit, error: problemOf(problem) }));
  } else {
    const { paint, problemText } = await import("../report/text.ts");
    console.err(problemText(problem, null, paint(console.colour && !typed.includes("--no-color"))));
  }
  return exit;
}

function unexpected(error: unknown): Problem {
  const { message, stack = "" } = error instanceof Error ? error : new Error(String(error));
  return new Problem("internal", message, { stderr: stack });
}
