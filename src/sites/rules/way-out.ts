// The command that deploys a site without the files of rules that are refused.

import { Problem } from "../../problem/problem.ts";
import { withFlag } from "../../text/with-flag.ts";
import type { DeployRequest } from "../deploy/plan.ts";
import { ruleFiles } from "./rules.ts";

/**
 * Returns the error with that command, if a file of rules is its cause and the command line is known. `files`: those of the
 * tree, one of which is the cause of an error that names none.
 */
export function withWayOut(
  error: unknown,
  { again, select }: Partial<Pick<DeployRequest, "again" | "select">>,
  files: readonly string[] = [],
): unknown {
  if (!(error instanceof Problem) || again === undefined) return error;
  const name = ruleFiles.find((each) => error.message.startsWith(`${each}:`));
  const refused = name === undefined ? files : [name];
  if (refused.length === 0) return error;
  const excluded = [...(select?.exclude ?? []), ...refused];
  return error.with({ hint: withFlag(again, "--exclude", excluded.join(",")) });
}
