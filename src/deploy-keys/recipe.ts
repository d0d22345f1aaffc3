// Sets up the deploy user and its keys. Every file is a function of the record.

import { Text } from "../engine/change.ts";
import { logDir } from "../engine/paths.ts";
import type { Recipe, Resource } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import type { Requirement } from "../problem/requirement.ts";
import { directory } from "../resources/directory.ts";
import { file } from "../resources/file.ts";
import { packagesStep } from "../resources/packages-step.ts";
import { sudoersFile } from "../resources/sudoers.ts";
import { parentOf } from "../text/path.ts";
import { account } from "./account.ts";
import { authorizedKeysText, sudoersText } from "./generated.ts";
import { authorizedKeysPath, deployHome, sudoersPath } from "./paths.ts";
import { type Edit, type KeyRecord, readKeys, recordFile } from "./record.ts";

export const packages = ["openssh-server", "sudo"];

const sudoersName = `deploy-keys:${sudoersPath}`;

interface Wording {
  command: string;
  done: string;
  requires?: Requirement[];
}

/** Returns the recipe with which sshd accepts exactly the keys of the record after `edit`. */
export function deployKeys(edit: Edit, { command, done, requires = [] }: Wording): Recipe {
  return {
    command,
    logPath: `${logDir}/project.log`,
    done,
    failed: `${command} failed at step`,
    requires,
    steps: [
      packagesStep("deploy-keys.packages", packages),
      {
        id: "deploy-keys.account",
        title: "the deploy user exists and owns nothing",
        resources: [
          account,
          directory(deployHome, 0o755, `deploy-keys:${deployHome}`),
          directory(parentOf(authorizedKeysPath), 0o755),
        ],
      },
      keysStep(edit),
    ],
  };
}

/** Returns the recipe that removes keys, on a host that may no longer have the packages. */
export function fewerKeys(edit: Edit, { command, done, requires = [] }: Wording): Recipe {
  const recipe = deployKeys(edit, { command, done, requires });
  return { ...recipe, steps: [keysStep(edit)] };
}

/**
 * A key works only with its record, its rule and its line. The line is written last and a killed run leaves a record
 * without a line, or, after a removal, a line whose session is refused.
 */
function keysStep(edit: Edit): Recipe["steps"][number] {
  const after = (reader: HostReader): KeyRecord | null => {
    const record = edit(readKeys(reader));
    return record === null || record.keys.length === 0 ? null : record;
  };
  const authorizedKeys = file({
    name: `deploy-keys:${authorizedKeysPath}`,
    title: "sshd accepts the recorded deploy keys",
    path: authorizedKeysPath,
    mode: 0o644,
    text: (reader) => textFor(after(reader), authorizedKeysText),
  });
  return {
    id: "deploy-keys.keys",
    title: "the deploy keys are those of the record",
    resources: [sudoers(after), recordFile(edit), authorizedKeys],
  };
}

function textFor(record: KeyRecord | null, make: (record: KeyRecord) => string): Text | null {
  return record === null ? null : Text.of(make(record));
}

function sudoers(after: (reader: HostReader) => KeyRecord | null): Resource {
  return sudoersFile({
    name: sudoersName,
    title: "sudo lets the deploy user run one command",
    path: sudoersPath,
    text(reader) {
      const record = after(reader);
      return record === null ? null : sudoersText(record);
    },
  });
}
