import * as v from "valibot";
import type { HostReader } from "../host/host.ts";
import { parseJson } from "../text/json.ts";
import { Problem } from "./problem.ts";
import { regularFile } from "./regular-file.ts";
import { hintToShow } from "./show-file.ts";

/** A record has kilobytes. A larger text takes seconds to read. */
const mostMib = 16;

/** Returns the record in a JSON file, or null if there is no file. Throws a Problem that names the file and its fault. */
export function jsonRecord<Schema extends v.GenericSchema>(
  reader: HostReader,
  path: string,
  schema: Schema,
): v.InferOutput<Schema> | null {
  const broken = (why: string): Problem =>
    new Problem("invalid-config", `${path} is invalid: ${why}`, { hint: hintToShow(path) });
  if ((reader.statTarget(path)?.size ?? 0) > mostMib * 1024 * 1024) throw broken(`it is larger than ${mostMib} MiB`);
  const bytes = regularFile(reader, path);
  if (bytes === null) return null;
  let json: unknown;
  try {
    json = parseJson(new TextDecoder().decode(bytes));
  } catch (error) {
    throw broken(error instanceof RangeError ? error.message : "it is not JSON");
  }
  const found = v.safeParse(schema, json);
  if (found.success) return found.output;
  const [issue] = found.issues;
  throw broken(`${v.getDotPath(issue) ?? "the record"}: ${issue.message}`);
}
