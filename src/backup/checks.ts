// Doctor checks of the backups: a repository that is set up, a recent snapshot, and data that was read again.

import type { Check, CheckResult } from "../engine/finding.ts";
import { projectsPath } from "../engine/paths.ts";
import type { HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { demandRootsAlone } from "../problem/roots-alone.ts";
import { readRecords } from "../sites/store.ts";
import { countOf } from "../text/lines.ts";
import { ageText, aheadText, isAhead } from "../text/time.ts";
import { environmentPath, passwordPath, settingsPath } from "./paths.ts";
import { hasTimer, timerFault } from "./recipe.ts";
import { shownLocation } from "./repository.ts";
import { repositoryId } from "./restic.ts";
import { accessOf, readSettings, type Settings } from "./settings.ts";
import { readState } from "./state.ts";

const day = 24 * 60 * 60_000;
/** A daily backup that is this late has failed twice. */
const lateDays = 2;
const veryLateDays = 7;
const verifiedDays = 31;
const run = ["sudo", "edox-ops", "backup", "run"];
const verify = ["sudo", "edox-ops", "backup", "verify"];
const initHint = ["sudo", "edox-ops", "backup", "init", "--repo", "REPOSITORY", "--generate"];

/** The checks of what the last runs recorded, on a host with a repository. */
export const stateChecks: Check[] = [
  { name: "backup:age", run: age, runsProgram: true as const },
  { name: "backup:verify", run: verified },
].map((each) => ({ ...each, affects: "backups of this host", follows: ["backup:repo"], appliesTo: isSetUp }));

/** Returns the checks. `online`: the repository is opened as well. */
export function backupChecks(online: boolean): Check[] {
  return [
    {
      name: "backup:repo",
      affects: "backups of this host",
      runsProgram: true,
      appliesTo: needsRepository,
      run: (reader) => repository(reader, online),
    },
    ...stateChecks,
  ];
}

/** An invalid file is reported by backup:repo alone. */
function isSetUp(reader: HostReader): boolean {
  try {
    return readSettings(reader) !== null;
  } catch {
    return false;
  }
}

/** A host without sites needs no repository. Only root can see whether it has some. */
function needsRepository(reader: HostReader): boolean {
  try {
    if (reader.stat(settingsPath) !== null) return true;
    // An invalid file of records is reported by another check.
    return /"slug"/.test(textOf(reader, projectsPath) ?? "");
  } catch {
    return false;
  }
}

async function repository(reader: HostReader, online: boolean): Promise<CheckResult> {
  const settings = readSettings(reader);
  if (settings === null) {
    const sites = countOf((await readRecords(reader)).projects.size, "site");
    return { status: "warning", detail: `${sites} would be lost with this disk: no backup is set up`, hint: initHint };
  }
  for (const path of [passwordPath, environmentPath]) {
    const stat = reader.stat(path);
    if (stat !== null && (stat.mode & 0o077) !== 0) {
      const detail = `${path} is readable by users other than root: its mode is ${stat.mode.toString(8)}`;
      return { status: "error", detail, hint: ["sudo", "chmod", "600", path] };
    }
    if (stat !== null) demandRootsAlone(reader, path);
  }
  const access = accessOf(reader, settings);
  const shown = shownLocation(settings.repository);
  if (!online) return { status: "ok", detail: `backups go to ${shown}` };
  if ((await repositoryId(reader, access)) !== null) return { status: "ok", detail: `${shown} can be opened` };
  const hint = ["sudo", "edox-ops", "backup", "init", "--repo", settings.repository, "--password-file", passwordPath];
  return { status: "error", detail: `there is no repository at ${shown}`, hint };
}

async function age(reader: HostReader): Promise<CheckResult> {
  const { backedUpMs, failure, hint: recorded, upkeep } = stateOf(reader);
  const trouble = failure === null ? upkeep?.failure : `the next one failed: ${failure}`;
  const withReason = (detail: string): string => (trouble === undefined ? detail : `${detail}; ${trouble}`);
  // The last run may have failed for another reason than the last backup is old.
  const advice = failure === null ? (upkeep?.hint ?? []) : recorded;
  const hint = advice.length === 0 ? run : advice;
  if (backedUpMs === null) {
    return { status: "error", detail: failure ?? "this host was never backed up to its repository", hint };
  }
  if (isAhead(backedUpMs, reader.now())) {
    return { status: "warning", detail: withReason(aheadText("the last backup", backedUpMs)), hint };
  }
  const detail = `the last backup was made ${ageText(backedUpMs, reader.now())}`;
  const days = (reader.now() - backedUpMs) / day;
  const status = days > veryLateDays ? "error" : trouble !== undefined || days > lateDays ? "warning" : "ok";
  if (trouble !== undefined) return { status, detail: withReason(detail), hint };
  const fault = await faultOfNext(reader);
  if (fault !== null) {
    const enable = ["sudo", "edox-ops", "backup", "enable", "--yes"];
    return { status: status === "ok" ? "warning" : status, detail: `${detail}, and ${fault}`, hint: enable };
  }
  return status === "ok" ? { status, detail } : { status, detail, hint };
}

/** Returns why nothing may make the next backup, or null. */
async function faultOfNext(reader: HostReader): Promise<string | null> {
  if (!hasTimer(reader)) return "nothing makes the next one";
  const fault = await timerFault(reader, readSettings(reader) as Settings);
  // A changed unit may still work.
  return fault && `the timer needs a repair: ${fault}`;
}

function verified(reader: HostReader): CheckResult {
  const { verifiedMs, backedUpMs, damage } = stateOf(reader);
  // That shows the damage again, with what repairs it.
  if (damage !== null) return { status: "error", detail: damage, hint: [...verify, "--all"] };
  if (backedUpMs === null) return { status: "not-set-up", detail: "there is no backup to verify yet", hint: run };
  if (verifiedMs === null) return { status: "warning", detail: "no backup was ever verified", hint: verify };
  if (isAhead(verifiedMs, reader.now())) {
    return { status: "warning", detail: aheadText("the last verification", verifiedMs), hint: verify };
  }
  const detail = `the repository was verified ${ageText(verifiedMs, reader.now())}`;
  const isLate = reader.now() - verifiedMs > verifiedDays * day;
  return { status: isLate ? "warning" : "ok", detail, hint: verify };
}

function stateOf(reader: HostReader): ReturnType<typeof readState> {
  const { repository: location } = readSettings(reader) as Settings;
  return readState(reader, location);
}
