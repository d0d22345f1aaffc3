// Proves which users log in to this host from outside, and which ports answer.

import type { Host } from "../../host/host.ts";
import { Problem } from "../../problem/problem.ts";
import { type Stop, throwIfInterrupted } from "../../problem/wait.ts";
import { familyOf } from "../../ssh/address.ts";
import { type SshSession, sshSession } from "../../ssh/session.ts";
import { type Endpoint, endpointText } from "../../ssh/sockets.ts";
import { exemptFromBans } from "../fail2ban/exempt.ts";
import { isActive } from "../firewall/ufw.ts";
import { type Entry, type Failure, inTurns, type Login, mayCause, type Scene, tryLogins } from "./attempts.ts";
import { interfaceDenial, type OwnAddresses, ownAddresses, sshEndpoints } from "./endpoints.ts";
import { undoing } from "./journal.ts";
import { answers } from "./login.ts";
import { loopback, type Outside, withOutside } from "./namespace.ts";
import { usersWithKeys } from "./users.ts";

export interface Proof {
  /** Whether the connections came from outside, or over loopback because this host allows no namespace. */
  isOutside: boolean;
  logins: Login[];
  /** The other ports that answered. */
  answering: Endpoint[];
  /** Why other users, or other endpoints, are not among the logins. */
  reasons: string[];
}

interface Question {
  /** The ports beside SSH. */
  ports: readonly number[];
  stop: Stop;
  /** Regards this user alone. */
  only?: string;
  /** The address that users who can become root log in from without a session, until one has. null: any. */
  from?: string | null;
}

/**
 * Returns what is possible now. Each login is a real one with a throwaway key. The host is then as it was before, apart
 * from its logs. Throws a Problem if it cannot be determined.
 */
export async function proveAll(host: Host, { ports, stop, only, from = null }: Question): Promise<Proof> {
  const session = await sshSession(host);
  const { users, reasons } = await usersWithKeys(host, session, only);
  const own = await ownAddresses(host, session);
  const listening = await sshEndpoints(host, session, own);
  if (listening.length === 0) {
    throw new Problem("precondition-failed", "no SSH server listens on an address that other hosts reach", {
      hint: ["sudo", "ss", "-ltnp"],
    });
  }
  const { endpoints, denials } = await withoutDenied(host, listening, own);
  reasons.push(...denials);
  const sharedFrom = session === null ? from : null;
  const tried = sharedFrom === null ? users : users.filter(({ becomesRoot }) => becomesRoot !== null);
  const entries = tried.flatMap((user, i) => endpointsOf(i === 0, endpoints).map((endpoint) => ({ user, endpoint })));
  const others = ports.flatMap((port) => Object.values(own.main).map((address) => ({ address, port })));
  return within(host, { session, own, stop, sharedFrom }, async (scene) => {
    const proof: Proof = { isOutside: scene.outside.isOutside, logins: [], answering: [], reasons };
    await tryLogins(scene, entries, {
      onLogin: (login) => proof.logins.push(login),
      onFailure: ({ reason }) => reasons.push(reason),
    });
    // They end in any order.
    proof.logins = entries.flatMap(
      ({ user, endpoint }) => proof.logins.find((each) => each.user === user && each.endpoint === endpoint) ?? [],
    );
    await tryPorts(scene, others, (endpoint, answered) => answered && proof.answering.push(endpoint));
    return proof;
  });
}

/**
 * Proves that these logins and ports are still possible. Throws a Problem that names the first that is not, and then
 * tries no others. Returns the failures that users without root may have caused, who could roll back any change
 * otherwise.
 */
export async function proveAgain(host: Host, { logins, answering }: Proof, stop: Stop): Promise<Failure[]> {
  const ownDoings: Failure[] = [];
  const onFailure = (failure: Failure): void => {
    if (!failure.isOwnDoing) throw lost(failure.reason);
    ownDoings.push(failure);
  };
  const session = await sshSession(host);
  const own = await ownAddresses(host, session);
  const { users, reasons } = await usersWithKeys(host, session);
  const entries = [...Map.groupBy(logins, ({ user }) => user.name)].flatMap(([name, ofUser]): Entry[] => {
    const { user } = ofUser[0] as Login;
    const found = users.find((each) => each.name === name);
    // The operator is who it was before: a slow journal does not change that.
    if (found !== undefined)
      return ofUser.map(({ endpoint }) => ({ user: { ...user, keysPath: found.keysPath }, endpoint }));
    const reason = reasons.find((each) => each.startsWith(`${name}: `)) ?? `${name}: has no key`;
    onFailure({ user, reason, isOwnDoing: mayCause(user) });
    return [];
  });
  await within(host, { session, own, stop }, async (scene) => {
    await tryLogins(scene, entries, { onFailure });
    await tryPorts(scene, answering, (endpoint, answered) => {
      if (!answered) throw new Problem("verify-failed", `${endpointText(endpoint)} no longer answers from outside`);
    });
  });
  return ownDoings;
}

function lost(reason: string): Problem {
  return new Problem("verify-failed", `a login from outside is no longer possible: ${reason}`);
}

/** Returns the endpoints that an active ufw does not deny by a rule for their interface, and why it denies the others. */
async function withoutDenied(
  host: Host,
  listening: readonly Endpoint[],
  own: OwnAddresses,
): Promise<{ endpoints: Endpoint[]; denials: string[] }> {
  const denialOf = new Map(listening.map((each) => [each, interfaceDenial(host, each, own)]));
  const denials = [...new Set([...denialOf.values()].filter((each) => each !== null))];
  if (denials.length === 0 || !(await isActive(host))) return { endpoints: [...listening], denials: [] };
  return { endpoints: listening.filter((each) => denialOf.get(each) === null), denials };
}

/** The first user is tried at each endpoint, and others once for each port. */
function endpointsOf(isFirst: boolean, endpoints: readonly Endpoint[]): Endpoint[] {
  if (isFirst) return [...endpoints];
  return [...Map.groupBy(endpoints, ({ port }) => port).values()].flatMap(([endpoint]) => endpoint ?? []);
}

async function tryPorts(
  { outside, stop }: Scene,
  endpoints: readonly Endpoint[],
  onResult: (endpoint: Endpoint, answered: boolean) => void,
): Promise<void> {
  await inTurns(endpoints, async (endpoint) => {
    throwIfInterrupted(stop);
    onResult(endpoint, await answers(outside, { endpoint, source: outside.source(familyOf(endpoint.address)) }));
  });
}

function within<T>(
  host: Host,
  {
    session,
    own,
    stop,
    sharedFrom = null,
  }: { session: SshSession | null; own: OwnAddresses; stop: Stop; sharedFrom?: string | null },
  act: (scene: Scene) => Promise<T>,
): Promise<T> {
  return undoing(host, async (record) => {
    const inside = { operator: session?.client.address ?? sharedFrom, own: own.all, record };
    const actFrom = async (outside: Outside): Promise<[T]> => {
      const settle = await exemptFromBans(host, outside.networks, record);
      return [await act({ host, outside, record, stop, isShared: sharedFrom !== null }).finally(settle)];
    };
    const [result] = (await withOutside(host, inside, actFrom)) ?? (await actFrom(loopback(host)));
    return result;
  });
}
