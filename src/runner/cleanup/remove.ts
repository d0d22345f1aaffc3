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
      return send(host, "DELETE", `containers/${encodeURIComponent(id)}`);
    case "volume":
      return send(host, "DELETE", `volumes/${encodeURIComponent(id)}`);
    case "cache":
      return send(host, "POST", `build/prune?${pruning(host.now() - usedMs)}`);
    case "image":
      return removeImage(host, id);
  }
}

/** Prunes all build cache that was used last as long ago, or earlier. */
function pruning(unusedMs: number): URLSearchParams {
  const until = `${Math.max(0, Math.floor(unusedMs / 1000))}s`;
  return new URLSearchParams({ all: "true", filters: JSON.stringify({ until: { [until]: true } }) });
}

/** With several tags, the engine removes an image only by all of them. They are read now, because tags move. */
async function removeImage(host: Host, id: string): Promise<string | null> {
  const found = await ask(host, `images/${id}/json`, tagsSchema);
  if (found === null) return null;
  for (const tag of found.RepoTags.slice(1)) {
    const failure = await send(host, "DELETE", `images/${tag}?noprune=true`);
    if (failure !== null) return failure;
  }
  return send(host, "DELETE", `images/${id}?noprune=true`);
}

const messageSchema = v.object({ message: v.string() });

async function send(host: Host, method: "POST" | "DELETE", path: string): Promise<string | null> {
  const { status, reason, body } = await host.send(method, `http://docker/${path}`, {
    socketPath: dockerSocket,
    limitMs,
  });
  // It is gone already.
  if ((status >= 200 && status < 300) || status === 404) return null;
  return parsed(messageSchema, new TextDecoder().decode(body))?.message ?? (reason || `status ${status}`);
}
