import { anyToken } from "../runner/registration/token-kind.ts";

/** Flags whose values are secret. */
const secretFlags = ["--token", "--access-token", "--webhook", "--ntfy", "--gitlab", "--heartbeat"];
/** Removes a URL, and is no secret. */
const noUrl = "none";

/** Any other value of --password is a password in the wrong place. */
const passwordScopes = ["site", "previews", "none"];

/** Returns the words for display: each secret is replaced by `-`, which reads it from stdin. */
export function withoutSecrets(typed: readonly string[]): string[] {
  return typed.map((plain, i) => {
    const word = plain.replace(anyToken, "-");
    if (secretFlags.includes(typed[i - 1] ?? "")) return word === noUrl ? word : "-";
    if (typed[i - 1] === "--password" && !passwordScopes.includes(word)) return "-";
    if (word.startsWith("--password=") && !passwordScopes.some((scope) => word === `--password=${scope}`)) {
      return "--password=-";
    }
    const flag = secretFlags.find((each) => word.startsWith(`${each}=`));
    return flag && word !== `${flag}=${noUrl}` ? `${flag}=-` : word;
  });
}
