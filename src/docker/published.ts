// The ports that running containers publish on this host.

import * as v from "valibot";
import { type HostReader, UnknownStateError } from "../host/host.ts";
import { parseJson } from "../text/json.ts";
import { dockerSocket } from "./paths.ts";

export interface PublishedPort {
  port: number;
  protocol: string;
  container: string;
}

const containersSchema = v.array(
  v.object({
    Id: v.string(),
    Names: v.nullish(v.array(v.string()), []),
    Ports: v.nullish(
      v.array(v.object({ IP: v.optional(v.string(), ""), PublicPort: v.optional(v.number()), Type: v.string() })),
      [],
    ),
  }),
);

/** Returns the ports that are published on an address other than loopback, each once, sorted. */
export async function publishedPorts(reader: HostReader): Promise<PublishedPort[]> {
  const { status, body } = await reader.get("http://docker/containers/json", { socketPath: dockerSocket });
  const found = status === 200 ? parsed(body) : null;
  if (found === null) throw new UnknownStateError(`the published ports cannot be read from ${dockerSocket}`);
  const all = found.flatMap(({ Id, Names, Ports }) => {
    const container = Names[0]?.replace(/^\//, "") ?? Id.slice(0, 12);
    return Ports.flatMap(({ IP, PublicPort, Type }): [string, PublishedPort][] => {
      if (PublicPort === undefined || /^(?:127\.|::1$)/.test(IP)) return [];
      return [[`${PublicPort}/${Type}`, { port: PublicPort, protocol: Type, container }]];
    });
  });
  return [...new Map(all).values()].sort((a, b) => a.port - b.port);
}

function parsed(body: Uint8Array): v.InferOutput<typeof containersSchema> | null {
  try {
    return v.parse(containersSchema, parseJson(new TextDecoder().decode(body)));
  } catch {
    return null;
  }
}
