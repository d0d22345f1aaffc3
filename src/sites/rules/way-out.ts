// The command that deploys a site without a file of rules that is refused.

import { Problem } from "../../problem/problem.ts";
import { withFlag } from "../../text/with-flag.ts";
import type { DeployRequest } from "../deploy/plan.ts";
import { ruleFiles } from "./rules.ts";

/** Returns the error with that command, if a file of rules is its cause and the command line is known. */
export function withWayOut(
  error: unknown,
  { again, select }: Partial<Pick<DeployRequest, "again" | "select">>,
): unknown {
  if (!(error instanceof Problem) || again === undefined) return error;
  const name = ruleFiles.find((each) => error.message.startsWith(`${each}:`));
  if (name === undefined) return error;
  const excluded = [...(select?.exclude ?? []), name];
  return error.with({ hint: withFlag(again, "--exclude", excluded.join(",")) });
}
