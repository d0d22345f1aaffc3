// The flags that several host commands share.

import { usage } from "../arguments.ts";
import type { Arguments, Values } from "../command.ts";
import { waitOf } from "../wait.ts";

export const sshPortFlag = {
  "ssh-port": {
    type: "string",
    valueHint: "port",
    description: "Port of SSH in addition to those on which the server listens",
  },
} as const satisfies Arguments;

/** Returns the port of --ssh-port, or undefined. Throws a usage Problem for no port. */
export function sshPortOf(values: Values): number | undefined {
  const typed = values["ssh-port"];
  if (typeof typed !== "string") return undefined;
  const port = /^[1-9]\d{0,4}$/.test(typed) ? Number(typed) : 0;
  if (port >= 1 && port <= 65_535) return port;
  throw usage(`invalid port '${typed}' for --ssh-port (1 to 65535)`);
}

/** Flags of commands that may cut off the admin. {@link confirmWithinOf} reads them. */
export const guardFlags = {
  "confirm-within": {
    type: "string",
    valueHint: "duration",
    description: "Roll back unless a new login runs host confirm within this time, for example 10m",
  },
} as const satisfies Arguments;

/** Returns the milliseconds of --confirm-within, or undefined without it. Throws a usage Problem for another value. */
export function confirmWithinOf(values: Values): number | undefined {
  const typed = values["confirm-within"] as string | undefined;
  if (typed === undefined) return undefined;
  const ms = waitOf("--confirm-within", typed);
  if (ms < 60_000 || ms > 86_400_000) throw usage(`--confirm-within ${typed} is not between 1m and 24h`);
  return ms;
}
