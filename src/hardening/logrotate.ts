// Has logrotate rotate the logs of edox-ops. Each run opens its log by path, so that no process needs a signal.

import { Text } from "../engine/change.ts";
import { logDir, replacedDir } from "../engine/paths.ts";
import type { Recipe, Step } from "../engine/step.ts";
import { directory } from "../resources/directory.ts";
import { file } from "../resources/file.ts";
import { packagesStep } from "../resources/packages-step.ts";
import { parentOf } from "../text/path.ts";
import { logrotatePath } from "./paths.ts";
import { hostRecipe } from "./recipe.ts";

export const logrotatePackages = ["logrotate"];

/** The settings are those of the Python version. */
const text = `# Written by edox-ops.
${logDir}/*.log {
    weekly
    rotate 8
    compress
    delaycompress
    missingok
    notifempty
    create 0640 root adm
}
`;

export const logrotate: Recipe = hostRecipe(
  "host logrotate",
  `Logrotate configured at ${logrotatePath} for ${logDir}/*.log`,
  [
    packagesStep("host.logrotate.install", logrotatePackages),
    {
      id: "host.logrotate.configure",
      title: "logrotate rotates the logs of edox-ops",
      resources: [
        // logrotate refuses a directory that a group can change.
        directory(logDir, 0o755, `log:${logDir}`),
        directory(parentOf(logrotatePath), 0o755),
        file({
          name: "host:logrotate",
          title: "logrotate rotates the logs of edox-ops",
          path: logrotatePath,
          mode: 0o644,
          keepDir: replacedDir,
          text: () => Text.of(text),
        }),
      ],
    },
  ],
);

export const logrotateRemoval: Step = {
  id: "host.logrotate.remove",
  title: "logrotate has no file of edox-ops",
  resources: [
    file({
      name: logrotatePath,
      title: `${logrotatePath} is removed`,
      path: logrotatePath,
      mode: 0o644,
      text: () => null,
    }),
  ],
};
