import type { Command } from "./command.ts";

const watch: Command = {
  meta: {
    name: "watch",
    description: "Send alerts when a check of this host fails",
    long: [
      "A systemd timer runs the checks of doctor, and reports what changed: failures, recoveries, and what got worse.",
      "Alerts go to a webhook, ntfy, mail or GitLab. A heartbeat lets another service notice that the host is down.",
      "The command enable sets it up, test sends a message, and status shows what fails and what was not delivered.",
    ],
    examples: [
      "sudo edox-ops watch enable --mail ops@example.org --yes",
      "sudo edox-ops watch test",
      "sudo edox-ops watch status",
    ],
  },
  groups: {
    "Set up": ["enable", "disable"],
    Alerts: ["status", "test", "run", "report"],
  },
  subCommands: {
    enable: () => import("./watch/enable.ts").then((module) => module.default),
    disable: () => import("./watch/disable.ts").then((module) => module.default),
    status: () => import("./watch/status.ts").then((module) => module.default),
    test: () => import("./watch/test.ts").then((module) => module.default),
    report: () => import("./watch/report.ts").then((module) => module.default),
    run: () => import("./watch/run.ts").then((module) => module.default),
  },
};

export default watch;
