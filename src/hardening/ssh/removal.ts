// Removes the settings of sshd that edox-ops added.

import type { Step } from "../../engine/step.ts";
import type { HostReader } from "../../host/host.ts";
import { file } from "../../resources/file.ts";
import { type GuardTerms, guarded } from "../guarded.ts";
import { readHostRecord, recordFile } from "../record.ts";
import { dropInPath } from "./paths.ts";
import { loadedBySshd, sshIsCurrent } from "./server.ts";
import { choicesOf } from "./settings.ts";

/** Returns the step. A file of the Python version that was replaced is not restored. */
export function sshRemoval(terms: GuardTerms = {}): Step {
  const step: Step = {
    id: "host.ssh-harden.remove",
    title: "sshd has no settings of edox-ops",
    action: "Configuring sshd",
    requires: [sshIsCurrent],
    resources: [
      file({
        name: dropInPath,
        title: `${dropInPath} is removed`,
        path: dropInPath,
        mode: 0o644,
        text: () => null,
      }),
      recordFile(({ ssh: _, ...others }) => others),
      loadedBySshd((path) => path === dropInPath),
    ],
  };
  return guarded(step, { ...terms, onlyOpens: keepsPasswords });
}

/** Returns whether the file gives nobody a login: the users of --allow-password may have no other one. */
function keepsPasswords(reader: HostReader): boolean {
  return choicesOf(readHostRecord(reader), {}).passwordUsers.length === 0;
}
