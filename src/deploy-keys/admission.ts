// Decides whether a key may do what its client asks for.

import type { Host } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import { utcText } from "../text/time.ts";
import { quoted } from "./quoted.ts";
import { type DeployKey, idOf, readKeys } from "./record.ts";
import type { Request } from "./request.ts";
import { takeTurn } from "./turns.ts";

/** Exit code of everything that a key may not do. Nothing of the upload was read. */
const refusedExit = 2;
/** EX_TEMPFAIL: a later attempt may succeed. */
const laterExit = 75;

/** Returns the key of the forced command. Throws a Problem for one that is not recorded. */
export function keyOf(host: Host, id: string | undefined): DeployKey {
  const key = readKeys(host)?.keys.find((each) => idOf(each) === id);
  if (key !== undefined) return key;
  throw refused(id === undefined ? "this command is run by sshd for a deploy key" : `no deploy key ${quoted(id)}`);
}

/** Requests that change the live site. */
function changesSite({ words, flags }: Request): boolean {
  return words[0] === "rollback" || (words[0] === "deploy" && flags.preview === undefined);
}

function changesAnything({ words }: Request): boolean {
  return words[0] === "rollback" || words[0] === "deploy" || words[1] === "remove";
}

/**
 * Throws a Problem if the key has expired, may not do this, or has done too much in the last hour. It counts what it
 * permits.
 */
export async function admit(host: Host, key: DeployKey, request: Request): Promise<void> {
  if (isExpired(key, host.now())) {
    throw refused(`deploy key ${idOf(key)} expired on ${utcText(Date.parse(key.expires as string))}`);
  }
  if (key.previews_only && changesSite(request)) {
    throw refused(`deploy key ${idOf(key)} may change only previews: add --preview NAME`);
  }
  if (!changesAnything(request) || (await takeTurn(host, idOf(key), key.rate))) return;
  const message = `deploy key ${idOf(key)} has reached its limit of ${key.rate} deploys an hour: retry later`;
  throw new Problem("limit-exceeded", message, { exit: laterExit });
}

export function isExpired({ expires }: Pick<DeployKey, "expires">, nowMs: number): boolean {
  return expires !== undefined && Date.parse(expires) <= nowMs;
}

function refused(message: string): Problem {
  return new Problem("permission-denied", message, { exit: refusedExit });
}
