// States of a host that sends alerts, each with the hint that it produces.

import { watchSecretsDir } from "../../src/watch/paths.ts";
import { typed } from "../cli/typed.ts";
import { type FakeHost, ok } from "../fake-host.ts";
import type { Case } from "./cases.ts";

const sendmail = "/usr/sbin/sendmail";
const help = "Check this host regularly and send alerts";

/** Enables alerts by mail, and then brings the host into the state. */
const alerting = (more: (host: FakeHost) => unknown) => async (host: FakeHost) => {
  host.put("/usr/local/bin/edox-ops", "this one", { mode: 0o755 });
  host.put(sendmail, "", { mode: 0o755 });
  const { exit, err } = await typed("watch enable --mail ops@example.org --yes", host);
  if (exit !== 0) throw new Error(err);
  await more(host);
};

/** Lets the mail server refuse everything, and performs looks until an alert was refused. */
async function refuse(host: FakeHost): Promise<void> {
  host.taught.unshift(([name]) => (name === sendmail ? { code: 75, stdout: "", stderr: "no relay\n" } : undefined));
  host.put("/run/reboot-required", "");
  for (let i = 0; i < 2; i++) await typed("watch run", host);
}

export const watchCases: Case[] = [
  {
    of: 'watch/receivers/mail.ts ["sudo", "apt-get", "install", "msmtp-mta"]',
    state(host) {
      host.put("/usr/local/bin/edox-ops", "this one", { mode: 0o755 });
      host.taught.unshift((argv) => {
        if (argv.join(" ") !== "apt-get install msmtp-mta") return undefined;
        host.put(sendmail, "", { mode: 0o755 });
        return ok();
      });
    },
    from: "watch enable --mail ops@example.org --yes",
  },
  {
    of: 'watch/checks.ts ["sudo", "edox-ops", "watch", "enable", "--yes"]',
    state: alerting((host) => host.remove("/etc/systemd/system/edox-ops-watch.timer")),
    from: "watch:timer",
  },
  {
    of: 'watch/checks.ts ["sudo", "edox-ops", "watch", "test"]',
    state: alerting(refuse),
    from: "watch:delivery",
    shows: "sendmail failed: no relay",
  },
  {
    of: 'watch/settings.ts ["edox-ops", "watch", "enable", "--help"]',
    state: alerting((host) => host.put(`${watchSecretsDir}/ntfy-url`, "ntfy", { mode: 0o600 })),
    from: "watch status",
    shows: help,
  },
  {
    of: 'cli/watch/settings.ts ["edox-ops", "watch", "enable", "--help"]',
    state: () => {},
    from: "watch test",
    shows: help,
  },
  {
    of: 'watch/report/write.ts ["edox-ops", "watch", "enable", "--help"]',
    state: () => {},
    from: "watch report /srv/report.html",
    shows: help,
  },
];
