// Uninstalls this program. The services and sites that it set up keep running.

import { presentPackages } from "../apt/dpkg.ts";
import { dockerSourcePath } from "../docker/recipe.ts";
import { docsRoot, logDir, projectsPath, stateDir } from "../engine/paths.ts";
import type { Recipe, Resource } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import type { Requirement } from "../problem/requirement.ts";
import { leftBeside } from "./program.ts";

/** Returns the recipe that removes the program and the files beside it. */
export function uninstallation(program: string, see: HostReader): Recipe {
  return {
    command: "uninstall",
    logPath: `${logDir}/uninstall.log`,
    requires: [told],
    steps: [
      {
        id: "program.uninstall",
        title: `${program} is not installed`,
        wants: [...leftBeside(see, program), program].map(gone),
      },
    ],
    done: "edox-ops is gone; what it set up stays.",
    failed: "Uninstalling failed at step",
  };
}

/** Reports what stays, while the program that can remove it still exists. */
const told: Requirement = {
  name: "uninstall:stays",
  title: "what stays is told",
  check(see, warn) {
    if (see.stat(projectsPath) !== null) {
      warn(
        `the sites below ${docsRoot} stay and nginx serves them; to take one away first: edox-ops project remove SLUG --delete-files --yes`,
      );
    }
    const parts = [
      ...presentPackages(see, ["gitlab-runner"]).map(() => "GitLab Runner"),
      ...(see.stat(dockerSourcePath) ? ["Docker Engine"] : []),
    ];
    if (parts.length > 0) {
      warn(`${parts.join(" and ")} stay; to take them away first: edox-ops gitlab-runner uninstall --docker --yes`);
    }
    const records = [stateDir, logDir].filter((dir) => see.stat(dir) !== null);
    if (records.length > 0) warn(`what is in ${records.join(" and ")} stays: another edox-ops takes it over`);
    return null;
  },
};

function gone(path: string): Resource {
  return {
    name: path,
    title: `${path} is gone`,
    check: (see) =>
      see.stat(path) === null ? [] : [{ kind: "command", argv: ["rm", "-r", path], lack: `${path} is there` }],
  };
}
