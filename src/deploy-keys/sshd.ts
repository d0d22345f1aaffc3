// What sshd's own configuration says about the deploy user: its effective settings, with every Match block applied.

import type { HostReader } from "../host/host.ts";
import { linesOf } from "../text/lines.ts";
import { deployUser } from "./names.ts";
import { authorizedKeysPath, deployHome } from "./paths.ts";

/** The command that prints the settings for the deploy user. */
export const sshdSettings: readonly string[] = [
  ...["sshd", "-T", "-C"],
  `user=${deployUser},host=localhost,addr=127.0.0.1`,
];

/** With one of these, a client runs a file of its own site in the shell of the forced command, before sudo. */
const codeVariables = ["LD_PRELOAD", "LD_AUDIT", "LD_LIBRARY_PATH", "PATH"];

/**
 * Returns why sshd does not fit deploy keys: it would let in none, or pass on a variable that runs the code of a client.
 * null if it fits. `unknown`: sshd did not print its settings.
 */
export async function whyUnfit(reader: HostReader): Promise<{ reason: string; unknown?: true } | null> {
  const { code, stdout, stderr } = await reader.probe(sshdSettings, { limitMs: 10_000 });
  if (code !== 0)
    return {
      reason: `sshd does not print its settings: ${linesOf(stderr).at(-1) ?? `exit code ${code}`}`,
      unknown: true,
    };
  const settings = Map.groupBy(stdout.split("\n").map(split), ([name]) => name);
  const valuesOf = (name: string): string[] => {
    return (settings.get(name) ?? []).flatMap(([, value]) => value.split(/\s+/).filter((each) => each !== ""));
  };
  const is = (name: string, ...values: string[]): boolean => values.includes((valuesOf(name)[0] ?? "").toLowerCase());
  const paths = valuesOf("authorizedkeysfile").map(absolute);
  if (is("pubkeyauthentication", "no")) return { reason: "sshd has PubkeyAuthentication no" };
  if (!paths.includes(authorizedKeysPath))
    return { reason: `sshd does not read ${authorizedKeysPath} (AuthorizedKeysFile)` };
  const passed = codeVariables.find((name) => valuesOf("acceptenv").some((pattern) => matches(pattern, name)));
  if (passed !== undefined) {
    return { reason: `sshd has AcceptEnv for ${passed}, with which a deploy key can act as any other` };
  }
  const isOurs = (pattern: string): boolean => matches(pattern.split("@", 1)[0] ?? "", deployUser);
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

function split(line: string): [name: string, value: string] {
  const at = line.indexOf(" ");
  return at < 0 ? [line.toLowerCase(), ""] : [line.slice(0, at).toLowerCase(), line.slice(at + 1)];
}

function absolute(path: string): string {
  const named = path.replaceAll("%h", deployHome).replaceAll("%u", deployUser).replaceAll("%%", "%");
  return named.startsWith("/") ? named : `${deployHome}/${named}`;
}

/** Returns whether a pattern of ssh_config(5) matches a name. */
function matches(pattern: string, name: string): boolean {
  const escaped = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${escaped}$`).test(name);
}
