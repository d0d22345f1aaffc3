// The record of the host commands. The Python version writes only `ssh_port`; each further key belongs to one command.

import * as v from "valibot";
import { Text } from "../engine/change.ts";
import { overlay } from "../engine/overlay.ts";
import type { Resource } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { jsonRecord } from "../problem/json-record.ts";
import { file } from "../resources/file.ts";
import { isUnitName } from "../resources/unit-name.ts";
import { userPattern } from "../resources/user.ts";
import { hostRecordPath } from "./paths.ts";

const port = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535));
const always = v.optional(v.literal(true));
/** A rule of ufw becomes the arguments of a command, so that none of its words may be a flag. */
const words = v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9./:]*(?: [a-z0-9:][a-z0-9./:]*)*$/i, "is not a rule"));
const allowed = v.pipe(
  v.string(),
  v.regex(/^\d{1,5}\/(?:tcp|udp)(?:@[0-9a-f.:/]+)?$/, "is not a port, such as 8080/tcp@10.0.0.0/8"),
);

/** It becomes part of a line of sshd_config. */
const userName = v.pipe(v.string(), v.regex(userPattern, "is not the name of a user"));

const firewallSchema = v.looseObject({
  /** The values of --allow. */
  allow: v.optional(v.array(allowed), []),
  limit_ssh: always,
  docker: always,
  /** The rules of ufw that edox-ops added, in the syntax of its command line. */
  opened: v.optional(v.array(words), []),
  /** edox-ops enabled ufw. */
  enabled: always,
});

const settings = v.looseObject({
  ssh_port: v.optional(port),
  firewall: v.optional(firewallSchema),
  ssh: v.optional(v.looseObject({ password_users: v.optional(v.array(userName)), modern: always })),
  /** The units that edox-ops enabled, or whose package it installed. */
  enabled: v.optional(v.array(v.pipe(v.string(), v.check(isUnitName, "is not the name of a unit")))),
});
/** valibot takes an array for an object without keys. */
const recordSchema = v.pipe(
  v.unknown(),
  v.check((json) => !Array.isArray(json), "it is not an object"),
  settings,
);

export type HostRecord = v.InferOutput<typeof recordSchema>;
export type FirewallRecord = NonNullable<HostRecord["firewall"]>;

/** Returns the record, which is empty if there is no file. Throws a Problem for an invalid one. */
export function readHostRecord(reader: HostReader): HostRecord {
  return jsonRecord(reader, hostRecordPath, recordSchema) ?? {};
}

/** Returns the record after a change. It keeps the keys of other commands, and keys that this version does not know. */
export type RecordEdit = (before: HostRecord, reader: HostReader) => HostRecord | Promise<HostRecord>;

/** Returns the record as a resource. An empty record is no file. Earlier steps of a run may change it too. */
export function recordFile(edit: RecordEdit): Resource {
  const resource = file({
    name: `state:${hostRecordPath}`,
    title: "the settings of the host commands are recorded",
    path: hostRecordPath,
    mode: 0o600,
    async text(reader) {
      const before = readHostRecord(reader);
      const after = withoutUndefined(await edit(before, reader));
      if (Object.keys(after).length === 0) return null;
      const bytes = reader.read(hostRecordPath);
      if (bytes !== null && Bun.deepEquals(before, after)) return new Text(bytes);
      return Text.of(`${JSON.stringify(after, null, 2)}\n`);
    },
  });
  return { ...resource, check: (reader, ahead, warn) => resource.check(overlay(reader, ahead), ahead, warn) };
}

/** JSON does not have undefined values, so that a key with one is equal to a missing key. */
function withoutUndefined(record: HostRecord): HostRecord {
  return JSON.parse(JSON.stringify(record)) as HostRecord;
}
