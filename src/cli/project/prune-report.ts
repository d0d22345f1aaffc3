// What a command that only removes things prints: a line for each, or one JSON document.

import { lineOf } from "../../engine/lines.ts";
import type { Document } from "../../report/schema.ts";
import type { Values } from "../command.ts";
import { type Context, exitCode } from "../context.ts";

export function pruneReport(command: string, values: Values, { console }: Context) {
  const looks = values["dry-run"] === true || values.check === true;
  return {
    /** Nothing is removed. */
    looks,
    /** `found`: what is, or would be, removed, `count` of it. Returns the exit code. */
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
