// What a host that was restored from another one must have, and what differs from the old host.

import { ownAddresses } from "../certs/issue/addresses.ts";
import type { HostReader } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import { namesOf } from "../sites/project.ts";
import { readRecords } from "../sites/store.ts";
import { few } from "../text/lines.ts";
import type { Restored } from "./restore.ts";

const resolveLimitMs = 5000;

/** Throws a Problem if this host has sites: a restore would mix two hosts. */
export async function demandBare(reader: HostReader): Promise<void> {
  const { projects, broken } = await readRecords(reader);
  const slugs = [...projects.keys(), ...broken.keys()];
  if (slugs.length === 0) return;
  const hint = ["sudo", "edox-ops", "backup", "restore", "--dry-run"];
  throw new Problem("conflict", `this host has sites already: ${few(slugs)}`, { hint });
}

/** Returns what a person must know or do after a move, each as a sentence. */
export async function differences(reader: HostReader, { projects, runners }: Restored): Promise<string[]> {
  const records = (await readRecords(reader)).projects;
  const own = ownAddresses(reader);
  const names = projects.flatMap((slug) => {
    const project = records.get(slug);
    return project?.enabled ? namesOf(project) : [];
  });
  const elsewhere = await Promise.all(
    names.map(async (name) => {
      const { addresses } = await reader.resolve(name, { limitMs: resolveLimitMs });
      if (addresses.length === 0) return `${name} has no address in the DNS`;
      return addresses.some((each) => own.has(each)) ? null : `${name} leads to ${addresses.join(", ")} in the DNS`;
    }),
  );
  return [
    ...elsewhere.filter((each) => each !== null).map((each) => `${each}: change it to an address of this host`),
    ...(runners
      ? ["the runners have the tokens of the old host: stop gitlab-runner there, or both hosts run the same jobs"]
      : []),
  ];
}
