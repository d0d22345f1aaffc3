// The logins of a proof: who tries which endpoint, from which address, in which order.

import type { Host } from "../../host/host.ts";
import { Problem } from "../../problem/problem.ts";
import { type Stop, throwIfInterrupted } from "../../problem/wait.ts";
import { familyOf } from "../../ssh/address.ts";
import { type Endpoint, endpointText } from "../../ssh/sockets.ts";
import type { Record } from "./journal.ts";
import { type ThrowawayKey, throwawayKey } from "./key.ts";
import { login } from "./login.ts";
import type { Outside } from "./namespace.ts";
import type { User } from "./users.ts";

const atOnce = 3;
/** sshd and fail2ban refuse an address after more failures than this. */
const mostFailures = 3;

/** A user at an endpoint of sshd. */
export interface Entry {
  user: User;
  endpoint: Endpoint;
}

/** A user who logged in from this address. */
export interface Login extends Entry {
  source: string;
}

/** A login that was not possible. */
export interface Failure {
  user: User;
  /** It begins with the name of the user. */
  reason: string;
  /** Whether the user may have caused it: by a change of the own files, or of what runs at a login. */
  isOwnDoing: boolean;
}

export interface Scene {
  host: Host;
  outside: Outside;
  record: Record;
  stop: Stop;
  /** The operator's address stands for all users, of whom one login is enough. */
  isShared?: boolean;
}

/**
 * Tries each of the logins, a few at once. No address has two failures, because sshd and fail2ban count them: the
 * operator's address is not tried again after its first one, or its third one if all users share it. Nor is a user who may
 * have caused it, and may let each login hang. An exception of `onFailure` ends the attempts.
 */
export async function tryLogins(
  { host, outside, record, stop, isShared = false }: Scene,
  entries: readonly Entry[],
  { onLogin, onFailure }: { onLogin?(login: Login): void; onFailure(failure: Failure): void },
): Promise<void> {
  if (entries.length === 0) return;
  const key = await throwawayKey(host, record);
  const attempts = entries.map((each): Login => ({ ...each, source: sourceOf(outside, each, isShared) }));
  const ofUsers = [...Map.groupBy(attempts, ({ user }) => user.name).values()];
  const intact = new Map<User, () => boolean>();
  const ready = ofUsers.flatMap((each) => {
    const user = each[0]?.user as User;
    try {
      intact.set(user, authorize(key, user, each));
      return each;
    } catch (error) {
      onFailure({ user, reason: `${user.name}: ${Problem.of(error).message}`, isOwnDoing: mayCause(user) });
      return [];
    }
  });
  const ended = new Set<User>();
  await inTurns([...Map.groupBy(ready, ({ source }) => source).values()], async (ofSource) => {
    let failures = 0;
    for (const each of ofSource) {
      throwIfInterrupted(stop);
      const { user, endpoint, source } = each;
      if (ended.has(user)) continue;
      const refusal = await login(outside, host, { user: user.name, endpoint, source, key });
      if (refusal === null) {
        onLogin?.(each);
        if (isShared) return;
        continue;
      }
      const isTouched = refusal.by === "denied" && intact.get(user)?.() !== true;
      const isOwnDoing = mayCause(user) && (refusal.by === "ended" || isTouched);
      if (isOwnDoing) ended.add(user);
      onFailure({
        user,
        reason: `${user.name}: ${endpointText(endpoint)} from ${source}: ${refusal.reason}`,
        isOwnDoing,
      });
      failures += 1;
      if (failures === (isShared ? mostFailures : 1)) return;
    }
  });
}

/**
 * Returns whether a failure can be the doing of the user alone. Who becomes root has no need to pretend one, and the
 * login of the operator is the one that must not be lost.
 */
export function mayCause({ becomesRoot, isOperator }: User): boolean {
  return becomesRoot === null && !isOperator;
}

/** Adds the line of a user. Throws a Problem if that is not possible. */
function authorize(key: ThrowawayKey, user: User, attempts: readonly Login[]): () => boolean {
  const command = user.becomesRoot === "sudo" ? "/usr/bin/sudo -n /usr/bin/true" : "/usr/bin/true";
  return key.authorize({ path: user.keysPath, from: [...new Set(attempts.map(({ source }) => source))], command });
}

function sourceOf({ operator, source }: Outside, { user, endpoint }: Entry, isShared: boolean): string {
  const family = familyOf(endpoint.address);
  return (isShared || user.isOperator) && operator !== null && familyOf(operator) === family
    ? operator
    : source(family);
}

/** Runs the tasks, a few at once. The first error ends them all. */
export async function inTurns<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await act(item);
  };
  const workers = Array.from({ length: atOnce }, () =>
    worker().catch((error) => {
      queue.length = 0;
      throw error;
    }),
  );
  const results = await Promise.allSettled(workers);
  for (const each of results) if (each.status === "rejected") throw each.reason;
}
