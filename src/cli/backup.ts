import type { Command } from "./command.ts";

const backup: Command = {
  meta: {
    name: "backup",
    description: "Back up this host to a repository elsewhere",
    long: [
      "A snapshot has the sites, their settings, certificates and runners.",
      "It is encrypted, and only what changed since the last one is stored.",
      "A repository is a local directory, a server with SSH, a rest-server or an S3 bucket.",
      "To move to another host, use restore-host there.",
    ],
    examples: [
      "sudo edox-ops backup init --repo sftp:web1@nas:/srv/backup --generate",
      "sudo edox-ops backup enable --daily 03:00 --yes",
      "sudo edox-ops backup list",
    ],
  },
  groups: {
    "Set up": ["init", "enable", "disable"],
    Snapshots: ["run", "status", "list", "verify", "restore"],
  },
  subCommands: {
    init: () => import("./backup/init.ts").then((module) => module.default),
    enable: () => import("./backup/enable.ts").then((module) => module.default),
    disable: () => import("./backup/disable.ts").then((module) => module.default),
    run: () => import("./backup/run.ts").then((module) => module.default),
    status: () => import("./backup/status.ts").then((module) => module.default),
    list: () => import("./backup/list.ts").then((module) => module.default),
    verify: () => import("./backup/verify.ts").then((module) => module.default),
    restore: () => import("./backup/restore.ts").then((module) => module.default),
  },
};

export default backup;
