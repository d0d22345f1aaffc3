// Ensures that nginx reads the site directories. Debian's nginx has and includes them, while the nginx.org package
// includes only conf.d.

import { type Change, installs, Text } from "../engine/change.ts";
import { replacedDir } from "../engine/paths.ts";
import type { Resource } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { Problem } from "../problem/problem.ts";
import { missingDirectories } from "../resources/directory.ts";
import { file } from "../resources/file.ts";
import { affectedSites } from "./affected-sites.ts";
import { nginxConfig } from "./config.ts";
import { hintToConfigure } from "./fault.ts";
import { limitsPath, sitesAvailableDir, sitesEnabledDir, sitesIncludePath } from "./paths.ts";
import { sitesText } from "./text.ts";

const mainPath = "/etc/nginx/nginx.conf";

/**
 * Ensures that nginx reads our sites through exactly one include, its own or ours, because two would load each site
 * twice. Our include matches no foreign sites: these may have been left there because nginx never read them.
 */
export const sitesRead: Resource = {
  name: "nginx:sites",
  title: "nginx reads the sites of edox-ops",
  affects: (reader) => affectedSites(reader, "not in the configuration of nginx"),
  async check(reader, ahead, warn) {
    // The origin of the package, and so its configuration, is known only after its installation.
    if (installs(ahead, "nginx")) return [];
    if (reader.stat(mainPath) === null) {
      throw new Problem("invalid-config", `nginx has no configuration: ${mainPath} is missing`, {
        hint: hintToConfigure(reader),
      });
    }
    if (!includes(reader, limitsPath)) {
      const message = `nginx reads nothing in /etc/nginx/conf.d: add "include /etc/nginx/conf.d/*.conf;" to the http block of ${mainPath}`;
      throw new Problem("invalid-config", message, { hint: hintToInclude(reader) });
    }
    const changes: Change[] = [];
    for (const dir of [sitesAvailableDir, sitesEnabledDir]) {
      changes.push(...missingDirectories(reader, [...ahead, ...changes], dir));
    }
    return [...changes, ...(await include.check(reader, ahead, warn))];
  },
};

const include = file({
  name: "nginx:sites-include",
  title: "",
  path: sitesIncludePath,
  mode: 0o644,
  keepDir: replacedDir,
  text: (reader) => (includes(reader, `${sitesEnabledDir}/edox-ops-site`) ? null : Text.of(sitesText)),
});

/**
 * Returns the command that adds the include if nginx.conf opens the http block in the usual form, or one that shows the
 * file.
 */
function hintToInclude(reader: HostReader): string[] {
  const isUsual = /^[ \t]*http[ \t]*\{/m.test(textOf(reader, mainPath) ?? "");
  const edit = "0,/^[[:blank:]]*http[[:blank:]]*{/s||&\\n    include /etc/nginx/conf.d/*.conf;|";
  return isUsual ? ["sudo", "sed", "-i", edit, mainPath] : ["cat", "-n", mainPath];
}

/** Returns whether the http block would include a file at this path without our own include. */
function includes(reader: HostReader, path: string): boolean {
  const theirs = nginxConfig(reader).includes.filter((each) => each.path !== sitesIncludePath);
  return theirs.some(({ pattern }) => new Bun.Glob(pattern).match(path));
}
