// The recipes that add and remove keys.

import type { Recipe } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { Problem } from "../problem/problem.ts";
import type { Requirement } from "../problem/requirement.ts";
import { demandRootsAlone } from "../problem/roots-alone.ts";
import { validRecord } from "../sites/requirements.ts";
import { authorizedKeysPath } from "./paths.ts";
import { deployKeys, fewerKeys } from "./recipe.ts";
import { type DeployKey, idOf, isPlainPath, type KeyRecord, readKeys } from "./record.ts";

const listKeys = ["sudo", "edox-ops", "project", "key", "list"];

/** Returns the recipe that adds a key, or replaces the settings of the same key. `program`: what sudo is to run. */
export function addKey(key: DeployKey, program: string): Recipe {
  const id = idOf(key);
  const edit = (before: KeyRecord | null): KeyRecord => {
    const others = (before?.keys ?? []).filter((each) => idOf(each) !== id);
    return { program, keys: [...others, key].sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1)) };
  };
  return deployKeys(edit, {
    command: `project key add ${key.project}`,
    done: `Added deploy key ${id}.`,
    requires: [validRecord(key.project), unusedKey(key), safeProgram(program)],
  });
}

/** sshd uses the first line that has a key, so one key cannot serve two projects. */
function unusedKey(key: DeployKey): Requirement {
  return {
    name: "deploy-keys:unused",
    title: "the key and its name are not in use",
    check(reader) {
      const keys = readKeys(reader)?.keys ?? [];
      const hint = listKeys;
      const same = keys.find((each) => each.public_key === key.public_key && idOf(each) !== idOf(key));
      if (same) {
        const reason = `this key is ${idOf(same)} already: one key serves one project under one name`;
        return { reason, code: "already-exists", hint };
      }
      const named = keys.find((each) => idOf(each) === idOf(key));
      if (named === undefined || named.public_key === key.public_key) return null;
      const reason = `project ${key.project} has another key '${key.name}': remove it first, or pass another --name`;
      return { reason, code: "already-exists", hint };
    },
  };
}

/**
 * Returns the requirement that a program can be run for deploy keys. Its path is part of a shell's command line and of
 * sudo's syntax, and sudo runs what is there as root.
 */
export function safeProgram(program: string): Requirement {
  return {
    name: "deploy-keys:program",
    title: "only root can change this program",
    check(reader) {
      if (!isPlainPath(program)) return { reason: `${program} has characters that a rule of sudo cannot name` };
      demandRootsAlone(reader, program);
      return null;
    },
  };
}

/** Returns the recipe that removes a key. Throws a Problem while it is made if there is none. */
export function removeKey(reader: HostReader, project: string, name: string): Recipe {
  const id = idOf({ project, name });
  const isRecorded = readKeys(reader)?.keys.some((each) => idOf(each) === id) === true;
  // A removal that was killed may have left its line.
  const hasLine = textOf(reader, authorizedKeysPath)?.includes(` ${id}\n`) === true;
  if (!isRecorded && !hasLine) {
    throw new Problem("not-found", `project ${project} has no deploy key ${name}`, { hint: listKeys });
  }
  const wording = { command: `project key remove ${project} ${name}`, done: `Removed deploy key ${id}.` };
  return fewerKeys(
    without((key) => idOf(key) === id),
    wording,
  );
}

/** Returns the recipe that removes all keys of a project. */
export function forgetProject(project: string): Recipe {
  const wording = { command: `project remove ${project}`, done: `Removed project ${project} from managed state.` };
  return fewerKeys(
    without((key) => key.project === project),
    wording,
  );
}

/** Returns an edit that removes these keys. */
function without(goes: (key: DeployKey) => boolean): (before: KeyRecord | null) => KeyRecord | null {
  return (before) => before && { ...before, keys: before.keys.filter((key) => !goes(key)) };
}
