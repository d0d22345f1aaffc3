import { stateDir } from "../engine/paths.ts";

/** The apt source of a run with --bundle. apt reads it without root's rights. */
export const repositoryDir = "/var/lib/edox-ops/bundle";
/** The package indexes of the last accepted bundle, by their SHA-256. */
export const keptIndexesDir = "/var/lib/edox-ops/bundle-indexes";
export const trustDir = `${stateDir}/trust`;
export const acceptedPath = `${stateDir}/bundle.json`;

/** The FILES section of the manual page. */
export const files: readonly (readonly [path: string, description: string])[] = [
  [repositoryDir, "package source of a run with --bundle; removed at its end"],
  [keptIndexesDir, "package indexes of the last accepted bundle, for one with only the changes since"],
  [trustDir, "public keys (*.pem); with one of them, only bundles that it signed are accepted"],
  [acceptedPath, "bundles that this host has accepted"],
];
