// Prints the report of a command that only removes things: a line for each, or one JSON document.

import type { Document } from "../../report/schema.ts";
import { lineOf } from "../../text/lines.ts";
import type { Values } from "../command.ts";
import { type Context, exitCode } from "../context.ts";

export function pruneReport(command: string, values: Values, { console }: Context) {
  const looks = values["dry-run"] === true || values.check === true;
  return {
    /** Whether this is a dry run, which removes nothing. */
    looks,
    /** Prints the report and returns the exit code. `found`: what was removed or would be; `count`: how many. */
    async end(
      found: Pick<Document, "assets" | "backups">,
      count: number,
      warnings: string[],
      lines: string[],
    ): Promise<number> {
      const outcome = count === 0 ? "ok" : looks ? "pending" : "changed";
      const exit = outcome === "pending" && values.check === true ? exitCode.pending : exitCode.done;
      if (values.json) {
        const { jsonOf } = await import("../../report/json.ts");
        await console.out(jsonOf({ command, outcome, exit, warnings, ...found }));
        return exit;
      }
      for (const sentence of warnings) console.err(lineOf`warning: ${sentence}`);
      if (!values.quiet) await console.out(lines.join(""));
      return exit;
    },
  };
}
