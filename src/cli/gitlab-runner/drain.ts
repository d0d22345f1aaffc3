// How long running jobs are waited for.

import type { ArgsDef } from "citty";
import { waitOf } from "../wait.ts";

export const drainFlag = {
  drain: {
    type: "string",
    valueHint: "time",
    description: "wait so long for running jobs, 2h without it: 90s, 10m, 2h",
  },
} as const satisfies ArgsDef;

/** Milliseconds; two hours, as long as systemd waits for them. */
export function drainOf(typed: string | undefined): number {
  return waitOf("--drain", typed ?? "2h");
}
