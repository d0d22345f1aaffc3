// Finds the Docker Engine of a host. It may be of another origin than edox-ops.

import { type HostReader, UnknownStateError } from "../host/host.ts";
import { textOf } from "../host/text-file.ts";
import { linesOf } from "../text/lines.ts";
import { dockerSocket } from "./paths.ts";

/**
 * Returns whether a Docker Engine responds on this host within this time. Throws UnknownStateError if only root can
 * determine it.
 */
export async function dockerAnswers(reader: HostReader, limitMs = 3000): Promise<boolean> {
  if (reader.stat(dockerSocket) === null) return false;
  const { status } = await reader.get("http://docker/_ping", { socketPath: dockerSocket, limitMs });
  if (status !== 200 && reader.uid !== 0)
    throw new UnknownStateError(`whether Docker answers at ${dockerSocket} is visible only to root`);
  return status === 200;
}

/** Returns whether an engine has its socket here, even if it does not respond. */
export function hasEngine(reader: HostReader): boolean {
  return reader.stat(dockerSocket) !== null && !isSocketLeft(reader);
}

/**
 * Returns whether the socket belongs to an engine that is no longer installed: its package does not remove the socket.
 * Podman's socket is a link to the one at which it listens.
 */
export function isSocketLeft(reader: HostReader): boolean {
  const sockets = textOf(reader, "/proc/net/unix");
  const programs = ["/usr/bin/dockerd", "/usr/local/bin/dockerd"];
  const path = reader.readLink(dockerSocket) ?? dockerSocket;
  const listens = linesOf(sockets ?? "").some((line) => line.endsWith(` ${path}`) || line.endsWith(` /var${path}`));
  return sockets !== null && !listens && programs.every((program) => !reader.stat(program));
}

/** Returns whether the socket belongs to another engine: Docker's own is never a link, and podman-docker makes one. */
export function isSocketLink(reader: HostReader): boolean {
  return reader.readLink(dockerSocket) !== null;
}
