import { stateDir } from "../engine/paths.ts";

/** The apt source of a run with --bundle. apt reads it without root's rights. */
export const repositoryDir = "/var/lib/edox-ops/bundle";
export const trustDir = `${stateDir}/trust`;
export const acceptedPath = `${stateDir}/bundle.json`;

/** The FILES section of the manual page. */
export const files: readonly (readonly [path: string, description: string])[] = [
  [repositoryDir, "package source of a run with --bundle; removed at its end"],
  [trustDir, "public keys (*.pem); with one of them, only bundles that it signed are accepted"],
  [acceptedPath, "bundles that this host has accepted"],
];
