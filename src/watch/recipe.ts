// Enables and disables alerts.

import { Text } from "../engine/change.ts";
import { stateDir } from "../engine/paths.ts";
import type { Recipe, Resource, Step } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import type { Requirement } from "../problem/requirement.ts";
import { absent } from "../resources/absent.ts";
import { directory } from "../resources/directory.ts";
import { file } from "../resources/file.ts";
import { testAlerts } from "./checks.ts";
import { watchLogPath, watchSecretsDir, watchSettingsPath, watchSpareStatePath, watchStateDir } from "./paths.ts";
import { hasSendmail, installMail } from "./receivers/mail.ts";
import { receiversOf } from "./receivers/receiver.ts";
import { type SecretName, type Settings, secretNames, secretPath, settingsText } from "./settings.ts";
import { everyText, hasTimer, timerRemoval, timerResources } from "./timer.ts";

/** Returns the recipe of `watch enable`. `program`: the path that the timer runs. */
export function enableRecipe(settings: Settings, program: string): Recipe {
  const { everySeconds, mail, secrets } = settings;
  const receivers = receiversOf(settings).map(({ name }) => name);
  const names = [...receivers, ...(secrets.has("heartbeat-url") ? ["heartbeat"] : [])].join(", ");
  const every = everyText(everySeconds);
  const timer = timerResources(program, settings);
  return {
    command: "watch enable",
    logPath: watchLogPath,
    requires: mail === null ? [] : [sendmailPresent],
    steps: [
      {
        id: "watch.settings",
        title: `the settings of alerts are recorded: ${names}`,
        resources: resourcesOf(settings),
      },
      { id: "watch.timer", title: `this host is checked every ${every}`, resources: timer },
    ],
    done: `Alerts are enabled: this host is checked every ${every}.`,
    closing: { ready: `Alerts enabled: ${names}`, next: () => testAlerts },
    failed: "Enabling alerts failed at step",
  };
}

const sendmailPresent: Requirement = {
  name: "watch:sendmail",
  title: "this host can send mail",
  check: (reader) =>
    hasSendmail(reader) ? null : { reason: "--mail needs /usr/sbin/sendmail, which is missing", hint: installMail },
};

/** Returns the recipe of `watch disable`. */
export function disableRecipe(): Recipe {
  return {
    command: "watch disable",
    logPath: watchLogPath,
    requires: [],
    steps: [removalStep()],
    done: "Alerts are disabled, and their settings are removed.",
    closing: { ready: "Alerts disabled" },
    failed: "Disabling alerts failed at step",
  };
}

/** Returns the steps that remove the timer, the settings and the state of alerts; none on a host without alerts. */
export function removalOf(reader: HostReader): Step[] {
  // Every user may look there, in contrast to the settings.
  return hasTimer(reader) || reader.stat(watchStateDir) !== null ? [removalStep()] : [];
}

function removalStep(): Step {
  const paths = [watchSettingsPath, watchSecretsDir, watchStateDir, watchSpareStatePath];
  return {
    id: "watch.removal",
    title: "there are no alerts",
    resources: [...timerRemoval(), ...paths.map((path) => absent(path))],
  };
}

function resourcesOf(settings: Settings): Resource[] {
  return [
    directory(stateDir, 0o750, `state:${stateDir}`),
    directory(watchSecretsDir, 0o700),
    directory(watchStateDir, 0o700),
    ...secretNames.map((name) => secretFile(name, settings)),
    // It is the last one: without it, the timer starts nothing.
    file({
      name: `state:${watchSettingsPath}`,
      title: "the settings of alerts are recorded",
      path: watchSettingsPath,
      mode: 0o600,
      text: () => Text.of(settingsText(settings)),
    }),
  ];
}

function secretFile(name: SecretName, { secrets }: Settings): Resource {
  const path = secretPath(name);
  const secret = secrets.get(name);
  return file({
    name: `state:${path}`,
    title: secret === undefined ? `${path} is absent` : `${path} is recorded`,
    path,
    mode: 0o600,
    text: () => (secret === undefined ? null : Text.of(`${secret.reveal()}\n`, true)),
  });
}
