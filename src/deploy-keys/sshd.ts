// Whether sshd's own configuration fits deploy keys.

import type { HostReader } from "../host/host.ts";
import { authorizedKeysPaths, matchesPattern, settingsCommand, sshdSettings } from "../ssh/settings.ts";
import { deployUser } from "./names.ts";
import { authorizedKeysPath, deployHome } from "./paths.ts";

/** The command that prints the settings for the deploy user. */
export const showSettings: readonly string[] = settingsCommand(deployUser);

/** With one of these, a client runs a file of its own site in the shell of the forced command, before sudo. */
const codeVariables = ["LD_PRELOAD", "LD_AUDIT", "LD_LIBRARY_PATH", "PATH"];

/**
 * Returns why sshd does not fit deploy keys: it would accept none, or pass on a variable that runs the code of a client.
 * null if it fits. `unknown`: sshd did not print its settings.
 */
export async function whyUnfit(reader: HostReader): Promise<{ reason: string; unknown?: true } | null> {
  const settings = await sshdSettings(reader, deployUser);
  if ("failure" in settings) return { reason: `sshd does not print its settings: ${settings.failure}`, unknown: true };
  const { valuesOf, is } = settings;
  if (is("pubkeyauthentication", "no")) return { reason: "sshd has PubkeyAuthentication no" };
  if (!authorizedKeysPaths(settings, { name: deployUser, home: deployHome }).includes(authorizedKeysPath))
    return { reason: `sshd does not read ${authorizedKeysPath} (AuthorizedKeysFile)` };
  const passed = codeVariables.find((name) => valuesOf("acceptenv").some((pattern) => matchesPattern(pattern, name)));
  if (passed !== undefined) {
    return { reason: `sshd has AcceptEnv for ${passed}, with which a deploy key can act as any other` };
  }
  const isOurs = (pattern: string): boolean => matchesPattern(pattern.split("@", 1)[0] ?? "", deployUser);
  const denied = valuesOf("denyusers").some(isOurs) || valuesOf("denygroups").some(isOurs);
  if (denied) return { reason: `sshd has DenyUsers or DenyGroups for ${deployUser}` };
  for (const name of ["AllowUsers", "AllowGroups"]) {
    const allowed = valuesOf(name.toLowerCase());
    if (allowed.length > 0 && !allowed.some(isOurs)) return { reason: `sshd has ${name} without ${deployUser}` };
  }
  if (!is("forcecommand", "none", "")) return { reason: "sshd has a ForceCommand, which replaces that of the keys" };
  if (!is("chrootdirectory", "none", "")) return { reason: `sshd has a ChrootDirectory for ${deployUser}` };
  const methods = valuesOf("authenticationmethods");
  if (methods.length > 0 && !methods.includes("any") && !methods.includes("publickey")) {
    return { reason: "sshd has AuthenticationMethods that need more than a key" };
  }
  return null;
}
