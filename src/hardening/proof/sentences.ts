// What a proof showed, in sentences.

import { endpointText } from "../../ssh/sockets.ts";
import type { Proof } from "./prove.ts";

/** Returns what a proof showed, a sentence for each user and one for the ports. */
export function provenSentences({ logins, answering, isOutside }: Omit<Proof, "reasons">): string[] {
  const where = isOutside ? "" : " over loopback";
  const ofUsers = Map.groupBy(logins, ({ user }) => user.name);
  const users = [...ofUsers].map(([name, each]) => {
    const ways = each.map(({ endpoint, source }) => `${endpointText(endpoint)} from ${source}`).join(", ");
    const becomes = { is: "", sudo: ", and becomes root", password: ", and becomes root with a password" };
    const root = each[0]?.user.becomesRoot;
    return `proven${where}: ${name} logs in at ${ways}${root ? becomes[root] : ""}`;
  });
  const verb = answering.length === 1 ? "answers" : "answer";
  return answering.length === 0
    ? users
    : [...users, `proven${where}: ${answering.map(endpointText).join(", ")} ${verb}`];
}

/** Describes why no admin remains. `names`: those who log in now, of whom these lose it. */
export function describeNobody(
  { names, reasons }: { names: string[]; reasons: string[] },
  losing: readonly string[],
): string {
  const who = names.filter((name) => losing.includes(name));
  return who.length > 0
    ? `only ${[...new Set(who)].join(", ")} can log in and become root, and this change disables that login`
    : `no user who can become root logs in with a key${reasons.length > 0 ? ` (${reasons.join("; ")})` : ""}`;
}
