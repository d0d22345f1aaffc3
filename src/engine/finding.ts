import type { HostReader } from "../host/host.ts";

/**
 * The result of one check. Only the status error makes doctor fail. A part of a host that is optional and is not there
 * is "not-set-up".
 */
export interface Finding {
  name: string;
  status: "ok" | "not-set-up" | "warning" | "unknown" | "error";
  detail: string;
  /** What a failure affects, for a person: "all 3 sites (offline)", "CI jobs". */
  affects?: string;
  /** The command to run next. For something that is not set up, the command that sets it up. */
  hint?: readonly string[];
  /** The step that repairs it. */
  step?: string;
  /** The name of the failing check that caused this one. Repairing that one repairs this one, or shows what remains. */
  follows?: string;
}

/** Returns whether the status needs no attention. */
export function isHealthy(status: Finding["status"]): boolean {
  return status === "ok" || status === "not-set-up";
}

/** The command after which a check that only root can perform has a result. */
export const askRoot: readonly string[] = ["sudo", "edox-ops", "doctor"];

/** What a failure affects, if the result does not say so. It is asked only after a failure or a warning. */
export type Affects = string | ((reader: HostReader) => string | undefined | Promise<string | undefined>);

/** What a check finds out. Its name is that of the check. */
export type CheckResult = Omit<Finding, "name">;

/** A check that is not a resource of a recipe. */
export interface Check {
  name: string;
  /** Limits the check to hosts for which this returns true. */
  appliesTo?(reader: HostReader): boolean;
  /** Its timeout in milliseconds, if it needs more time than other checks. */
  limitMs?: number;
  /** The check runs a program. It is started before the others, which then run in parallel. */
  runsProgram?: true;
  /** Checks that this one depends on. If it fails, it follows from the first of them that fails. */
  follows?: readonly string[];
  affects?: Affects;
  run(reader: HostReader): CheckResult | Promise<CheckResult>;
}
