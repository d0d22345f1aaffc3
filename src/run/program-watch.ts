// Reports the programs that a step runs and waits for.

import type { Progress } from "../report/progress.ts";
import { lineOf, oneLine, shellLine, visible } from "../text/lines.ts";
import type { Environment } from "./environment.ts";
import type { RunOptions } from "./options.ts";
import type { Reporter } from "./reporter.ts";

const msAMinute = 60_000;

/**
 * Returns the reports about requirements that are waited for and programs that run. `line`: the status line of a
 * terminal, which shows the state and the duration itself.
 */
export function programWatch(
  { verbose }: RunOptions,
  { console, hint }: Environment,
  waiting: Reporter["waiting"],
  line: Progress | null,
): Reporter["watch"] {
  return {
    waiting({ title, waitMs = 0 }, { reason }) {
      waiting(`waiting at most ${waitMs / msAMinute} min until ${title}: ${reason}`, waitMs);
    },
    ...(!line && {
      lasting: (argv, limitMs) => {
        waiting(`waiting at most ${limitMs / msAMinute} min for ${shortLine(argv)}`, limitMs);
      },
    }),
    ending(argv, reason, script) {
      const kill = script && shellLine(hint(["sudo", "kill", String(script.pid)]));
      const what = script === null ? "" : `, which runs ${script.path} (${kill} ends that)`;
      line?.erase();
      waiting(`${oneLine(reason)}: still waiting for ${shortLine(argv)}${what}`);
    },
    ...(verbose && {
      running: (argv) => console.err(lineOf`$ ${shellLine(argv)}`),
      // A program that redraws its line produces a new line here.
      output: (text) => console.err(visible(text.replace(/\r\n?/g, "\n"))),
    }),
    ...(line && { running: line.running, ran: line.ran, output: line.output, status: line.status }),
  };
}

/** Returns the program and its words, without options and their values. */
function shortLine(argv: readonly string[]): string {
  return shellLine(argv.filter((word, i) => !(word.startsWith("-") || argv[i - 1] === "-o")));
}
