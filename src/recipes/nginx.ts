// nginx, ready for documentation sites: nobody is served who asks for a name that is not hosted here.

import { Text } from "../engine/change.ts";
import type { Facts } from "../engine/facts.ts";
import { foreseen } from "../engine/foreseen.ts";
import type { Resource, Step } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { file } from "../resources/file.ts";
import { installed } from "../resources/package.ts";
import { type Service, service } from "../resources/service.ts";
import { hintToMend } from "./nginx-fault.ts";
import { foreignNameSizes, nameSizes } from "./nginx-names.ts";
import { emergency, tookFiles } from "./nginx-running.ts";
import { sitesRead } from "./nginx-sites.ts";
import { clientsText, limitsText, typesText } from "./nginx-text.ts";
import { catchAll, throwawayCertificate } from "./nginx-unknown-names.ts";
import { welcomeSite } from "./nginx-welcome.ts";
import {
  catchAllPath,
  certificatePath,
  clientsPath,
  limitsPath,
  replacedDir,
  sitesIncludePath,
  typesPath,
} from "./paths.ts";

export function nginxPrepare(facts: Facts): Step {
  return {
    id: "nginx.prepare",
    title: "nginx is enabled, answers no unknown name, and knows the limits of the sites",
    needs: [{ step: "packages.install", resource: installed("nginx") }],
    wants: [
      sitesRead,
      limits,
      clients,
      contentTypes,
      throwawayCertificate(facts),
      welcomeSite,
      unknownNames(facts),
      nginxService([limitsPath, clientsPath, typesPath, catchAllPath, sitesIncludePath]),
    ],
  };
}

/** What all sites share. */
export const limits = file({
  name: "nginx:limits",
  title: "the limits of the sites are known",
  path: limitsPath,
  mode: 0o644,
  keepDir: replacedDir,
  text(see, ahead) {
    const foreign = foreignNameSizes(foreseen(see, ahead)).map(({ name }) => name);
    return Text.of(limitsText(Object.entries(nameSizes).filter(([name]) => !foreign.includes(name))));
  },
});

/** How clients are counted. Sites of the Python version do without. */
export const clients = shared("nginx:clients", "the clients of the sites are counted", clientsPath, clientsText);

/** The file that each site includes. Sites of the Python version do without. */
export const contentTypes = shared(
  "nginx:content-types",
  "the content types of the sites are known",
  typesPath,
  typesText,
);

/** Returns a file that the sites of this version have in common. */
function shared(name: string, title: string, path: string, text: string): Resource {
  return {
    ...file({ name, title, path, mode: 0o644, keepDir: replacedDir, text: () => Text.of(text) }),
    optional: true,
  };
}

export function unknownNames(facts: Facts): Resource {
  const server = file({
    name: "nginx:unknown-names",
    title: "an unknown name is answered by nothing",
    path: catchAllPath,
    mode: 0o644,
    keepDir: replacedDir,
    text: (see, ahead, warn) => catchAll(see, ahead, warn, facts),
  });
  return { ...server, optional: true };
}

/** nginx runs, starts at boot, and has taken these as they are on disk. */
export function nginxService(paths: readonly string[], more: Pick<Service, "mayWait"> = {}): Resource {
  const resource = service({
    unit: "nginx",
    name: "nginx:active",
    test: ["nginx", "-t", "-q"],
    hintFor: hintToMend,
    owns: (path) => path.startsWith("/etc/nginx/") || path === certificatePath,
    taken: (see) => tookFiles(see, paths),
    explain: emergency,
    ...more,
  });
  return { ...resource, follows: ["nginx:config"] };
}

/** The running nginx has loaded our default server, so that it has the ports of it. */
export function nginxServes(see: HostReader): boolean {
  return see.stat(catchAllPath) !== null && tookFiles(see, [catchAllPath]);
}
