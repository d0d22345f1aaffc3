// The ports by which admins get in: those that sshd is configured for, and those on which it listens, which may differ.

import { type HostReader, UnknownStateError } from "../../host/host.ts";
import { hasSshd, sshListeners, sshPorts } from "../../ssh/server.ts";

/**
 * Returns the ports of the SSH server, sorted; [] without a server. Throws UnknownStateError if only root can determine
 * them, and a Problem if an installed server says nothing.
 */
export async function serverPorts(reader: HostReader): Promise<number[]> {
  const found = new Set((await sshListeners(reader)).map(({ port }) => port));
  try {
    for (const port of await sshPorts(reader)) found.add(port);
  } catch (error) {
    // The configuration may be invalid while a server listens, and missing where no server is installed.
    if (error instanceof UnknownStateError || (found.size === 0 && hasSshd(reader))) throw error;
  }
  return [...found].sort((a, b) => a - b);
}
