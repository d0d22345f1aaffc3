// Requests to the API of the engine of this host.

import * as v from "valibot";
import { type HostReader, UnknownStateError } from "../host/host.ts";
import { parseJson } from "../text/json.ts";
import { dockerSocket } from "./paths.ts";

/**
 * Requests a resource of the engine. Returns null if it does not exist. Throws UnknownStateError if the engine does not
 * answer in time with what the schema describes. `options`: the timeout, if it is not that of every request.
 */
export async function ask<T extends v.GenericSchema>(
  reader: HostReader,
  path: string,
  schema: T,
  options: { limitMs?: number } = {},
): Promise<v.InferOutput<T> | null> {
  const { status, reason, body } = await reader.get(`http://docker/${path}`, { ...options, socketPath: dockerSocket });
  if (status === 404) return null;
  const found = status === 200 ? parsed(schema, new TextDecoder().decode(body)) : null;
  if (found === null) throw new UnknownStateError(`${dockerSocket} does not answer ${path}: ${reason || status}`);
  return found;
}

/** Returns the JSON text as the schema describes it, or null if it is something else. */
export function parsed<T extends v.GenericSchema>(schema: T, text: string): v.InferOutput<T> | null {
  try {
    return v.parse(schema, parseJson(text));
  } catch {
    return null;
  }
}
