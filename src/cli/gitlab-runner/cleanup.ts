import type { Command } from "../command.ts";

const cleanup: Command = {
  meta: {
    name: "cleanup",
    description: "Keep disk space free for CI jobs",
    long: [
      "It removes what CI jobs used longest ago, until enough space is free.",
      "Images that a person pulled, volumes of others, and what a running job uses are never removed.",
      "Start with enable; the images that are here by then stay.",
    ],
    examples: [
      "sudo edox-ops gitlab-runner cleanup enable --keep 20GiB --yes",
      "sudo edox-ops gitlab-runner cleanup run --dry-run",
      "sudo edox-ops gitlab-runner cleanup status",
    ],
  },
  groups: { "Set up": ["enable", "disable"], "Show and check": ["status"], Change: ["run"] },
  subCommands: {
    enable: () => import("./cleanup/enable.ts").then((module) => module.default),
    status: () => import("./cleanup/status.ts").then((module) => module.default),
    run: () => import("./cleanup/run.ts").then((module) => module.default),
    disable: () => import("./cleanup/disable.ts").then((module) => module.default),
  },
};

export default cleanup;
