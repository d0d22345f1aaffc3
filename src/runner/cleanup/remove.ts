// Removes what a cleanup has chosen. The engine itself refuses to remove what a container uses.

import * as v from "valibot";
import { ask, parsed } from "../../docker/ask.ts";
import { dockerSocket } from "../../docker/paths.ts";
import type { Host } from "../../host/host.ts";
import type { Candidate } from "./decide.ts";

/** The engine deletes many files of a large image or volume. */
const limitMs = 300_000;
const tagsSchema = v.object({ RepoTags: v.nullish(v.array(v.string()), []) });

/**
 * Removes a candidate. Returns null if it is gone, and otherwise why not: something has used it since it was chosen, or
 * the engine's own message.
 */
export async function remove(host: Host, candidate: Candidate): Promise<string | null> {
  const { kind, id, usedMs } = candidate;
  switch (kind) {
    case "container":
      // Without `force` a container that runs again stays. Its volumes have names and are candidates of their own.
      return removeBy(host, `containers/${encodeURIComponent(id)}`);
    case "volume":
      return removeBy(host, `volumes/${encodeURIComponent(id)}`);
    case "cache":
      return prune(host, usedMs);
    case "image":
      return removeImage(host, id);
  }
}

const prunedSchema = v.object({ CachesDeleted: v.nullish(v.array(v.string()), []) });

/** Prunes all build cache that was used last at this time, or earlier. */
async function prune(host: Host, usedMs: number): Promise<string | null> {
  const until = `${Math.max(0, Math.floor((host.now() - usedMs) / 1000))}s`;
  const query = new URLSearchParams({ all: "true", filters: JSON.stringify({ until: { [until]: true } }) });
  const { failure, text } = await send(host, "POST", `build/prune?${query}`);
  if (failure !== null) return failure;
  // The engine reports a success although a build, or a rule of its own, keeps all of it.
  return parsed(prunedSchema, text)?.CachesDeleted.length === 0 ? "the engine keeps it" : null;
}

async function removeBy(host: Host, path: string): Promise<string | null> {
  return (await send(host, "DELETE", path)).failure;
}

/** With several tags, the engine removes an image only by all of them. They are read now, because tags move. */
async function removeImage(host: Host, id: string): Promise<string | null> {
  const found = await ask(host, `images/${id}/json`, tagsSchema);
  if (found === null) return null;
  for (const tag of found.RepoTags.slice(1)) {
    const failure = await removeBy(host, `images/${tag}?noprune=true`);
    if (failure !== null) return failure;
  }
  return removeBy(host, `images/${id}?noprune=true`);
}

const messageSchema = v.object({ message: v.string() });

/** Returns the text of the answer, and the engine's message if it did not do it. */
async function send(
  host: Host,
  method: "POST" | "DELETE",
  path: string,
): Promise<{ failure: string | null; text: string }> {
  const { status, reason, body } = await host.send(method, `http://docker/${path}`, {
    socketPath: dockerSocket,
    limitMs,
  });
  const text = new TextDecoder().decode(body);
  // It is gone already.
  if ((status >= 200 && status < 300) || status === 404) return { failure: null, text };
  return { failure: parsed(messageSchema, text)?.message ?? (reason || `status ${status}`), text };
}
