// Installs certbot, its hook and its timer. edox-ops has no ACME client of its own: Debian keeps certbot secure, and its
// files are those that hosts of the Python version have.

import { Text } from "../engine/change.ts";
import { replacedDir } from "../engine/paths.ts";
import type { Recipe, Step } from "../engine/step.ts";
import { acmeDir } from "../nginx/paths.ts";
import { aptUsable } from "../resources/apt-usable.ts";
import { certificatesComplete } from "../resources/certificates.ts";
import { directory } from "../resources/directory.ts";
import { file } from "../resources/file.ts";
import { dpkgConfigured, packageInstalled } from "../resources/package.ts";
import { clockSet, firstBootDone } from "../resources/ready.ts";
import { unit } from "../resources/unit.ts";
import { parentOf } from "../text/path.ts";
import { certsLogPath, hookPath, renewalsDir } from "./paths.ts";
import { renewInTime } from "./renewal/before.ts";
import { hookText } from "./renewal/hook.ts";
import { webrootsMigrated } from "./renewal/migrate.ts";

/** certbot, and what it needs to reach a certificate authority. Its recommendations add 40 MB that it does not use. */
export const certsPackages = ["certbot", "ca-certificates"];

/** The step that installs certbot. Only root can write the webroot: certbot follows a user's links in it. */
export const certbotInstalled: Step = {
  id: "certs.install",
  title: "certbot is installed",
  action: "Installing certbot",
  requires: [firstBootDone, clockSet, ...aptUsable()],
  resources: [
    dpkgConfigured,
    ...certsPackages.map(packageInstalled),
    certificatesComplete(certsPackages),
    directory(acmeDir, 0o755),
  ],
};

/** The step that has nginx load each renewed certificate. */
export const renewalHook: Step = {
  id: "certs.hook",
  title: "nginx loads a renewed certificate",
  resources: [
    directory(renewalsDir, 0o755),
    // certbot makes it when it first runs.
    directory(parentOf(hookPath), 0o755),
    {
      ...file({
        name: "certs:renewal-hook",
        title: "certbot runs the hook of edox-ops",
        path: hookPath,
        mode: 0o755,
        keepDir: replacedDir,
        text: () => Text.of(hookText),
      }),
      affects: "renewals of certificates (nginx does not load them)",
    },
  ],
};

/** The step that has systemd renew certificates twice a day. */
export const renewalTimer: Step = {
  id: "certs.timer",
  title: "certificates are renewed automatically",
  resources: [
    {
      ...unit({ unit: "certbot.timer", name: "certs:timer", brought: "certbot", state: "enabled", active: true }),
      affects: "renewals of certificates",
    },
  ],
};

/** Returns a recipe of these steps. The messages are those of the Python version. */
function recipe(command: string, done: string, steps: Step[]): Recipe {
  return { command, logPath: certsLogPath, done, failed: `${command} failed at step`, requires: [], steps };
}

export const certsInstall = recipe("certs install", "Certbot installed successfully.", [certbotInstalled]);

export const installRenewalHook = recipe(
  "certs install-renewal-hook",
  `Installed Certbot renewal deploy hook at ${hookPath}`,
  [renewalHook],
);

export const setUpAutoRenew = recipe(
  "certs setup-auto-renew",
  "Automatic Let's Encrypt renewal is configured (certbot.timer + nginx reload hook).",
  [certbotInstalled, renewalHook, renewalTimer, renewInTime, webrootsMigrated],
);
