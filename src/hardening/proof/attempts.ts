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
 * operator's address is not tried again after its first one, or its third one if all users share it. An exception of `onFailure` ends the attempts.
 */
export async function tryLogins(
  { host, outside, record, stop, isShared = false }: Scene,
  entries: readonly Entry[],
  { onLogin, onFailure }: { onLogin?(login: Login): void; onFailure(reason: string): void },
): Promise<void> {
  if (entries.length === 0) return;
  const key = await throwawayKey(host, record);
  const attempts = entries.map((each): Login => ({ ...each, source: sourceOf(outside, each, isShared) }));
  const ofUsers = [...Map.groupBy(attempts, ({ user }) => user.name).values()];
  const ready = ofUsers.flatMap((each) => {
    const reason = whyUnauthorized(key, each);
    if (reason === null) return each;
    onFailure(reason);
    return [];
  });
  await inTurns([...Map.groupBy(ready, ({ source }) => source).values()], async (ofSource) => {
    let failures = 0;
    for (const each of ofSource) {
      throwIfInterrupted(stop);
      const { user, endpoint, source } = each;
      const reason = await login(outside, host, { user: user.name, endpoint, source, key });
      if (reason === null) {
        onLogin?.(each);
        if (isShared) return;
        continue;
      }
      onFailure(`${user.name}: ${endpointText(endpoint)} from ${source}: ${reason}`);
      failures += 1;
      if (failures === (isShared ? mostFailures : 1)) return;
    }
  });
}

/** Adds the line of a user, or returns why that is not possible. */
function whyUnauthorized(key: ThrowawayKey, attempts: readonly Login[]): string | null {
  const user = attempts[0]?.user as User;
  const command = user.becomesRoot === "sudo" ? "/usr/bin/sudo -n /usr/bin/true" : "/usr/bin/true";
  try {
    key.authorize({ path: user.keysPath, from: [...new Set(attempts.map(({ source }) => source))], command });
    return null;
  } catch (error) {
    return `${user.name}: ${Problem.of(error).message}`;
  }
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
