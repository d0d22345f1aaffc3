import type { Facts } from "../engine/facts.ts";
import { backupsDir, docsRoot, logDir, projectsPath, stateDir } from "../engine/paths.ts";
import type { Recipe, Resource } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { configValid } from "../nginx/accepts.ts";
import { affectedSites } from "../nginx/affected-sites.ts";
import { nginxPrepare, nginxServes } from "../nginx/recipe.ts";
import { welcomeSiteKeptOut } from "../nginx/welcome.ts";
import { aptUsable } from "../resources/apt-usable.ts";
import { certificatesComplete } from "../resources/certificates.ts";
import { directory } from "../resources/directory.ts";
import { etckeeperClean } from "../resources/etckeeper.ts";
import { dpkgConfigured, packageInstalled } from "../resources/package.ts";
import { piByHand } from "../resources/pi.ts";
import { platform } from "../resources/platform.ts";
import { portFree } from "../resources/port.ts";
import { clockSet, firstBootDone } from "../resources/ready.ts";
import { bootstrapLogPath } from "./paths.ts";

export const packages = ["nginx", "git", "curl", "rsync", "ca-certificates"];

const nginxInstalled: Resource = { ...packageInstalled("nginx"), affects: (reader) => affectedSites(reader) };
/** Returns the command that publishes the first site, or null if there is a project. */
function publishFirst(reader: HostReader): string[] | null {
  const records = textOf(reader, projectsPath)?.trim() ?? "";
  if (records !== "" && !/^\{\s*\}$/.test(records)) return null;
  const words = ["project", "publish", "demo", "--domain", "docs.example.org", "--source", "/srv/site"];
  return ["sudo", "edox-ops", ...words];
}

/** Returns the recipe that sets up a bare host to serve documentation sites. */
export function bootstrap(facts: Facts): Recipe {
  return {
    command: "bootstrap",
    logPath: bootstrapLogPath,
    done: "Bootstrap installation phase completed successfully.",
    failed: "Bootstrap failed at step",
    closing: { ready: "Host ready", next: publishFirst },
    requires: [
      platform(facts),
      portFree(80, "nginx", nginxServes),
      configValid(nginxPrepare(facts)),
      ...(facts.model.startsWith("Raspberry Pi") ? piByHand(facts) : []),
    ],
    steps: [
      {
        id: "packages.install",
        title: `${packages.join(", ")} are installed`,
        action: "Installing packages",
        requires: [firstBootDone, clockSet, ...aptUsable()],
        resources: [
          ...(facts.ipv6 ? [] : [welcomeSiteKeptOut, etckeeperClean("packages")]),
          dpkgConfigured,
          ...packages.map((name) => (name === "nginx" ? nginxInstalled : packageInstalled(name))),
          certificatesComplete(packages),
        ],
      },
      {
        id: "site.directories",
        title: "the directories for state, sites, backups and logs exist",
        resources: [
          directory(stateDir, 0o750, `state:${stateDir}`),
          directory(docsRoot, 0o755, `docs-root:${docsRoot}`),
          directory(backupsDir, 0o750, `deploy-backups:${backupsDir}`),
          directory(logDir, 0o755, `log:${logDir}`),
          // The Python version created these with the first project, so a host without them is not faulty.
        ].map((each): Resource => ({ ...each, optional: true })),
      },
      nginxPrepare(facts),
      { id: "bootstrap.complete", title: "this host is ready to serve documentation sites", resources: [], mark: true },
    ],
  };
}
