import { anyToken } from "../runner/registration/token-kind.ts";

/** Flags whose values are secret. */
const secretFlags = ["--token", "--access-token"];

/** Returns the words for display: each secret is replaced by `-`, which reads it from stdin. */
export function withoutSecrets(typed: readonly string[]): string[] {
  return typed.map((plain, i) => {
    const word = plain.replace(anyToken, "-");
    if (secretFlags.includes(typed[i - 1] ?? "")) return "-";
    const flag = secretFlags.find((each) => word.startsWith(`${each}=`));
    return flag ? `${flag}=-` : word;
  });
}
