// Uninstalls this program. The services and sites that it set up keep running.

import { presentPackages } from "../apt/dpkg.ts";
import { keptIndexesDir } from "../bundle/paths.ts";
import { dockerSourcePath } from "../docker/paths.ts";
import { docsRoot, logDir, projectsPath, stateDir } from "../engine/paths.ts";
import type { Recipe } from "../engine/step.ts";
import type { Requirement } from "../problem/requirement.ts";
import { absent } from "../resources/absent.ts";
import { uninstallLogPath } from "./paths.ts";
import { filesBeside } from "./program.ts";

/** Returns the recipe that removes the program and the files beside it. */
export function uninstallation(program: string): Recipe {
  return {
    command: "uninstall",
    logPath: uninstallLogPath,
    requires: [whatStays],
    steps: [
      {
        id: "program.uninstall",
        title: `${program} is not installed`,
        resources: [
          absent(`the files beside ${program}`, (reader) => filesBeside(reader, program)),
          absent(program),
          absent(keptIndexesDir),
        ],
      },
    ],
    done: "edox-ops is uninstalled; what it set up is kept.",
    closing: { ready: "edox-ops uninstalled" },
    failed: "Uninstalling failed at step",
  };
}

/** Reports what stays, while the program that can remove it still exists. */
const whatStays: Requirement = {
  name: "uninstall:stays",
  title: "list what is kept",
  check(reader, warn) {
    // The working directories of edox-ops begin with a dot.
    const sites = (reader.list(docsRoot) ?? []).filter((name) => !name.startsWith("."));
    if (reader.stat(projectsPath) !== null && sites.length > 0) {
      warn(
        `the sites below ${docsRoot} are kept, and nginx serves them; to remove one first: edox-ops project remove SLUG --delete-files --yes`,
      );
    }
    const parts = [
      ...presentPackages(reader, ["gitlab-runner"]).map(() => "GitLab Runner"),
      ...(reader.stat(dockerSourcePath) ? ["Docker Engine"] : []),
    ];
    if (parts.length > 0) {
      warn(`${parts.join(" and ")} are kept; to remove them first: edox-ops gitlab-runner uninstall --docker --yes`);
    }
    const records = [stateDir, logDir].filter((dir) => reader.stat(dir) !== null);
    if (records.length > 0) warn(`what is in ${records.join(" and ")} is kept for a later installation`);
    return null;
  },
};
