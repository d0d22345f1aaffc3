// A host in memory whose process is killed.

import type { Change } from "../../src/engine/change.ts";
import { transact } from "../../src/engine/transact.ts";
import type { Host } from "../../src/host/host.ts";
import type { FakeHost } from "../fake-host.ts";

/** Where the kill arrives: before the call, in its middle, or when it has taken effect. */
export type Moment = "before" | "within" | "after";
export const moments: readonly Moment[] = ["before", "within", "after"];

const changing = ["writeFile", "append", "makeDirectory", "setAttributes", "makeLink", "remove", "run"] as const;

/**
 * Returns the host as a process sees it that is killed at this call, the first being 0. A killed process changes
 * nothing any more. `calls` counts the calls that change something.
 */
export function killedAt(fake: FakeHost, call: number, moment: Moment): { host: Host; calls(): number } {
  let calls = 0;
  const wrap = (name: (typeof changing)[number]) => {
    const original = fake[name] as (...values: unknown[]) => unknown;
    return (...values: unknown[]): unknown => {
      const at = calls++;
      if (at > call || (at === call && moment === "before")) throw new Error("killed");
      if (at === call && moment === "within") {
        begin(fake, name, values);
        throw new Error("killed");
      }
      const done = original(...values);
      if (at === call) throw new Error("killed");
      return done;
    };
  };
  const host = { ...fake, ...Object.fromEntries(changing.map((name) => [name, wrap(name)])) };
  return { host, calls: () => calls };
}

/** Leaves what a call that was killed in its middle leaves. */
function begin(fake: FakeHost, name: (typeof changing)[number], values: unknown[]): void {
  const path = String(values[0]);
  const slash = path.lastIndexOf("/") + 1;
  if (name === "run" || fake.stat(path.slice(0, slash - 1))?.type !== "directory") return;
  if (name === "writeFile" || name === "makeLink") {
    fake.put(`${path.slice(0, slash)}.${path.slice(slash)}.edox-ops-new`, "half");
  }
  if (name === "makeDirectory" && fake.stat(path) === null) fake.dir(path, { mode: 0o700 });
  const text = String(values[1]);
  if (name === "append") fake.append(path, text.slice(0, Math.ceil(text.length / 2)), 0o600);
}

/** Applies the changes of a step with a journal, and leaves the host as a kill before the end of the step does. */
export async function interrupt(host: FakeHost, step: string, changes: readonly Change[]): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const never = new Promise<void>(() => {});
  const verify = (): Promise<void> => {
    resolve();
    return never;
  };
  void transact(host, changes, verify, { journaled: step });
  await promise;
}
