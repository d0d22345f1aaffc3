// What a person and a program get about a deploy key. The private key leaves this process here, and nowhere else.

import type { DeployKey } from "../../../deploy-keys/record.ts";
import type { ResultParts } from "../../../run/result.ts";
import { lineOf } from "../../../text/lines.ts";
import type { Secret } from "../../../text/secret.ts";

/** Returns the part of the document. `secret`: the private key, if it was generated. */
export function keyParts(key: DeployKey, secret: Secret | null): ResultParts {
  return { deploy_keys: [key], ...(secret !== null && { private_key: secret.reveal() }) };
}

export function keyText({ fingerprint, previews_only }: DeployKey, secret: Secret | null): string {
  const name = lineOf`Fingerprint: ${fingerprint}`;
  if (secret === null) return name;
  const where = [
    "This private key is printed once, and is stored nowhere on this host.",
    "In GitLab, save it as a variable of the type File (Settings, CI/CD, Variables):",
    previews_only
      ? "PREVIEW_KEY, for the jobs of merge requests."
      : "DEPLOY_KEY, protected, for the jobs of the default branch.",
  ];
  return `${name}${where.map((line) => `${line}\n`).join("")}\n${secret.reveal()}\n`;
}
