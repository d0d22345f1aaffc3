// The one rule for confirmations. A command that takes a site offline, deletes something or replaces live content asks
// at a terminal. `--yes` skips the question. Without a terminal there is no answer: the command then runs as scripts
// expect it, or requires --yes.

import type { Host } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import { wrap } from "../report/wrap.ts";
import type { Environment } from "./environment.ts";
import type { RunOptions } from "./options.ts";

/** Thrown if the user answers no. It is not an error, but the command did not do what it was called for. */
export class Declined extends Problem {
  constructor() {
    super("not-confirmed", "declined at the terminal: nothing was changed", { exit: 1 });
  }
}

/** Returns the refusal of a command that cannot ask. `typed`: its words, which the hint repeats with --yes. */
export function unconfirmed(command: string, typed: readonly string[]): Problem {
  const message = `${command} needs confirmation: pass --yes to apply, or --dry-run to preview`;
  return new Problem("not-confirmed", message, { hint: ["sudo", "edox-ops", ...typed, "--yes"] });
}

interface Asking {
  environment: Pick<Environment, "console" | "typed">;
  options: RunOptions;
}

/** Returns the question about what this run would do, or null if that needs no confirmation. */
export type Question = (host: Host) => Promise<string | null> | string | null;

/**
 * Asks before a command acts, if its question is not null. Throws {@link Declined} if the answer is no. Asks nothing in
 * a dry run, with --yes, without a terminal, and of a user who may not change the host. Returns a function to call under
 * the lock: it throws a Problem if another run has changed what was confirmed.
 */
export async function askFirst(
  { host, ...asking }: Asking & { host: Host },
  question: Question,
): Promise<() => Promise<void>> {
  const { environment, options } = asking;
  if (options.dryRun || options.yes || !environment.console.interactive() || host.uid !== 0) return async () => {};
  const text = await question(host);
  if (text !== null) await ask(asking, text);
  return async () => {
    if ((await question(host)) === text) return;
    const message = "another run changed what was confirmed: nothing was changed";
    throw new Problem("conflict", message, { hint: ["sudo", "edox-ops", ...environment.typed] });
  };
}

/** Asks at a terminal. Throws {@link Declined} if the answer is no. The lines of the question are wrapped. */
export async function ask(asking: Asking, question: string): Promise<void> {
  if (!(await answer(asking, `${question} [y/N]`, "no"))) throw new Declined();
}

/** Offers a precaution at a terminal. Returns whether it is accepted, which everything except a no does. */
export function offer(asking: Asking, question: string): Promise<boolean> {
  return answer(asking, `${question} [Y/n]`, "yes");
}

function answer({ environment: { console }, options }: Asking, text: string, usual: "yes" | "no"): Promise<boolean> {
  // With --json, stdout has only the document.
  const stream = options.json ? "err" : "out";
  const lines = text.split("\n").map((line) => wrap(line, console.width(stream) ?? 80));
  return console.confirm(`${lines.join("\n")} `, stream, usual);
}
