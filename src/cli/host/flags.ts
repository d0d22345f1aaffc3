// The flags that several host commands share.

import { usage } from "../arguments.ts";
import type { Arguments, Values } from "../command.ts";

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
