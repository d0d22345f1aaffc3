// Removes the settings of sshd that edox-ops added.

import type { Step } from "../../engine/step.ts";
import { file } from "../../resources/file.ts";
import { type GuardTerms, guarded } from "../guarded.ts";
import { recordFile } from "../record.ts";
import { dropInPath } from "./paths.ts";
import { loadedBySshd } from "./server.ts";

/** Returns the step. A file of the Python version that was replaced is not restored. */
export function sshRemoval(terms: GuardTerms = {}): Step {
  const step: Step = {
    id: "host.ssh-harden.remove",
    title: "sshd has no settings of edox-ops",
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
  return guarded(step, terms);
}
