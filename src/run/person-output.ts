// What both reporters for a person share: the styles, the status line, and a stdout that may be closed.

import type { Stop } from "../problem/wait.ts";
import { type Progress, progressLine } from "../report/progress.ts";
import { type Style, styleOf } from "../report/style.ts";
import { sizeText } from "../text/size.ts";
import type { Environment } from "./environment.ts";
import type { RunOptions } from "./options.ts";
import type { Amount } from "./reporter.ts";

interface PersonOutput {
  style: Style;
  errorStyle: Style;
  /** The status line, or null if stderr is no terminal. */
  line: Progress | null;
  print(text: string): Promise<void>;
  /** Shows how far an operation has come. */
  progress(amount: Amount): void;
  /** Rejects if a part of the report could not be written. */
  printed(): Promise<void>;
}

export function personOutput(options: RunOptions, { console, hint }: Environment, stop: Stop): PersonOutput {
  const { quiet, verbose } = options;
  const look = (stream: "out" | "err") => {
    return styleOf({ colour: options.colour && console.colour(stream), unicode: console.unicode(), hint });
  };
  const { err, unicode } = console;
  const hasLine = !quiet && !verbose && console.width("err") !== null;
  const line = hasLine
    ? progressLine({ err, unicode, columns: () => console.width("err") ?? 80 }, Date.now, stop)
    : null;
  /** A closed pipe does not stop a run. It is reported at the end. */
  let lost: unknown;

  return {
    style: look("out"),
    errorStyle: look("err"),
    line,
    async print(text) {
      line?.clear();
      if (quiet || text === "") return;
      await console.out(text).catch((error: unknown) => {
        lost ??= error;
      });
    },
    progress: (amount) => line?.say(...amountOf(amount)),
    async printed() {
      if (lost !== undefined) throw lost;
    },
  };
}

/** Returns the text and the share of the whole. A deploy reads all files, and then stages them. */
function amountOf({
  phase,
  files = 0,
  total = 0,
  bytes,
  total_bytes = 0,
}: Amount): [text: string, share: number | null] {
  if (phase !== "downloaded") {
    const part = total === 0 ? 0 : files / total / 2;
    return [`${files} of ${total} files ${phase}, ${sizeText(bytes)}`, phase === "staged" ? 0.5 + part : part];
  }
  if (total_bytes === 0) return [sizeText(bytes), null];
  return [`${sizeText(bytes)} of ${sizeText(total_bytes)}`, bytes / total_bytes];
}
