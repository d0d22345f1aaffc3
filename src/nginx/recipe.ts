// Prepares nginx for documentation sites. Requests for names that are not hosted here are closed without a response.

import { Text } from "../engine/change.ts";
import type { Facts } from "../engine/facts.ts";
import { overlay } from "../engine/overlay.ts";
import { replacedDir } from "../engine/paths.ts";
import type { Resource, Step } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { missingDirectories } from "../resources/directory.ts";
import { file } from "../resources/file.ts";
import { packageInstalled } from "../resources/package.ts";
import { type ServiceSpec, service } from "../resources/service.ts";
import { affectedByService } from "./affected-sites.ts";
import { hintToMend } from "./fault.ts";
import { tableSizes } from "./names.ts";
import {
  brotliPath,
  catchAllPath,
  certificatePath,
  clientsPath,
  limitsPath,
  sitesIncludePath,
  tlsPath,
  typesPath,
} from "./paths.ts";
import { emergencyMessage, hasLoadedFiles } from "./running.ts";
import { sitesRead } from "./sites.ts";
import { brotliDir, brotliModule, brotliText, clientsText, limitsText, tlsText, typesText } from "./text.ts";
import { catchAllSite, throwawayCertificate } from "./unknown-names.ts";
import { openSslSince } from "./version.ts";
import { welcomeSite } from "./welcome.ts";

/** Returns the step that configures nginx for the sites of edox-ops. */
export function nginxPrepare(facts: Facts): Step {
  return {
    id: "nginx.prepare",
    title: "nginx is enabled, closes requests for unknown names, and has the shared settings of the sites",
    action: "Configuring nginx",
    needs: [{ step: "packages.install", resource: packageInstalled("nginx") }],
    resources: [
      sitesRead,
      limits,
      clients,
      contentTypes,
      tlsSettings(facts),
      brotli,
      throwawayCertificate(facts),
      welcomeSite,
      unknownNames(facts),
      nginxService([limitsPath, clientsPath, typesPath, tlsPath, brotliPath, catchAllPath, sitesIncludePath]),
    ],
  };
}

/** The settings that all sites share. */
export const limits = file({
  name: "nginx:limits",
  title: "nginx has the request limits of the sites",
  path: limitsPath,
  mode: 0o644,
  keepDir: replacedDir,
  text(reader, ahead) {
    return Text.of(limitsText(tableSizes(overlay(reader, ahead))));
  },
});

/** Defines how clients are counted. Sites of the Python version do not use it. */
export const clients = shared(
  { name: "nginx:clients", title: "nginx counts requests per client address", path: clientsPath },
  () => clientsText,
);

/** The file that each site includes. Sites of the Python version do not use it. */
export const contentTypes = shared(
  { name: "nginx:content-types", title: "nginx has the content types of the sites", path: typesPath },
  () => typesText,
);

/** OpenSSL's changelog: X25519MLKEM768 was added in 3.5.0. */
const postQuantumSince = "3.5.0";

/**
 * Returns a resource for the file that each server with TLS includes. Earlier versions do not touch it: after a
 * rollback of the program, the sites that include it stay valid.
 */
export function tlsSettings(facts: Facts): Resource {
  return shared({ name: "nginx:tls", title: "nginx has the TLS settings of the sites", path: tlsPath }, (reader) =>
    tlsText({ postQuantum: openSslSince(reader, facts, postQuantumSince) }),
  );
}

const brotliFile = shared(
  { name: "nginx:brotli", title: "nginx serves brotli files if it has the module", path: brotliPath },
  () => brotliText,
);

/**
 * The file that each site includes while nginx has a module for it, and the directory that the include leads through:
 * dpkg creates none on a host without documentation, but removes it in any case. Sites of the Python version do not use
 * it.
 */
export const brotli: Resource = {
  ...brotliFile,
  async check(reader, ahead, warn) {
    const files = await brotliFile.check(reader, ahead, warn);
    return reader.stat(brotliModule) === null ? files : [...missingDirectories(reader, ahead, brotliDir), ...files];
  },
};

/** Returns a resource for a file that the sites of this version share. */
function shared(place: { name: string; title: string; path: string }, text: (reader: HostReader) => string): Resource {
  const each = file({ ...place, mode: 0o644, keepDir: replacedDir, text: (reader) => Text.of(text(reader)) });
  return { ...each, optional: true };
}

/** Returns a resource for the default server, or for its absence where foreign servers handle all unknown names. */
export function unknownNames(facts: Facts): Resource {
  const server = file({
    name: "nginx:unknown-names",
    title: "requests for unknown host names are closed without a response",
    path: catchAllPath,
    mode: 0o644,
    keepDir: replacedDir,
    text: (reader, ahead, warn) => catchAllSite(reader, ahead, warn, facts),
  });
  return { ...server, optional: true };
}

/**
 * Returns a resource for an nginx that is active, enabled at boot, and has loaded the current version of these files.
 */
export function nginxService(paths: readonly string[], more: Pick<ServiceSpec, "mayWait"> = {}): Resource {
  const resource = service({
    unit: "nginx",
    name: "nginx:active",
    test: ["nginx", "-t", "-q"],
    hintFor: hintToMend,
    owns: (path) => path.startsWith("/etc/nginx/") || [certificatePath, brotliDir].includes(path),
    hasLoaded: (reader) => hasLoadedFiles(reader, [...paths, brotliDir]),
    explain: emergencyMessage,
    ...more,
  });
  return { ...resource, follows: ["nginx:config"], affects: affectedByService };
}

/** Returns whether the running nginx has loaded our default server, and so holds its ports. */
export function nginxServes(reader: HostReader): boolean {
  return reader.stat(catchAllPath) !== null && hasLoadedFiles(reader, [catchAllPath]);
}
