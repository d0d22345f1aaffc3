// Has fail2ban ignore the addresses of a proof while it takes place. A jail may count each login that a user does not get,
// and the proof also uses the address of the operator.

import type { Host } from "../../host/host.ts";
import { overlap } from "../../ssh/address.ts";
import type { Record } from "../proof/journal.ts";

const socketPath = "/run/fail2ban/fail2ban.sock";
const limitMs = 10_000;
/** How long fail2ban may take to read what sshd has logged. */
const noticeMs = 1500;

/**
 * Has each jail of a running fail2ban ignore these addresses and networks. `record` takes what undoes that; a restart of
 * fail2ban does so too. Returns a function to call before it is undone, which waits until fail2ban has read the journal.
 */
export async function exemptFromBans(
  host: Host,
  networks: readonly string[],
  record: Record,
): Promise<() => Promise<void>> {
  if (host.stat(socketPath) === null) return async () => {};
  const ask = async (...words: string[]): Promise<string> =>
    (await host.probe(["fail2ban-client", ...words], { limitMs })).stdout;
  const jails =
    /Jail list:(.*)/
      .exec(await ask("status"))?.[1]
      ?.split(",")
      .map((each) => each.trim()) ?? [];
  let isExempted = false;
  for (const jail of jails.filter((name) => /^[\w][\w.-]*$/.test(name))) {
    const ignored = (await ask("get", jail, "ignoreip")).match(/[0-9a-f.:]+[.:][0-9a-f.:]*(?:\/\d+)?/gi) ?? [];
    for (const network of networks.filter((each) => !ignored.some((known) => covers(known, each)))) {
      const command = (verb: string): string[] => ["fail2ban-client", "set", jail, verb, network];
      record({ kind: "command", argv: command("delignoreip"), ifExists: socketPath, mayFail: true });
      await host.run(command("addignoreip"), { limitMs });
      isExempted = true;
    }
  }
  return async () => {
    if (isExempted) await host.sleep(noticeMs);
  };
}

/** Returns whether a network contains another one, or an address. */
function covers(network: string, other: string): boolean {
  const length = (text: string): number => Number(text.split("/")[1] ?? 128);
  return length(network) <= length(other) && overlap(network, other);
}
