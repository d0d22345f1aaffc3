import type { HostReader } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import type { PublicKey } from "../ssh/public-key.ts";

/** Reads the public key of a file. Throws a Problem for a key that is not accepted. */
export async function publicKeyIn(reader: HostReader, path: string): Promise<PublicKey> {
  const { demandRegular } = await import("../problem/regular-file.ts");
  demandRegular(reader, path);
  const bytes = reader.head(path, 64 * 1024);
  if (bytes === null) throw new Problem("not-found", `${path} does not exist`);
  return accepted(new TextDecoder().decode(bytes), path);
}

/** Returns the public key in a text. Throws a Problem that begins with `where` for a key that is not accepted. */
export async function accepted(text: string, where: string): Promise<PublicKey> {
  const { readPublicKey } = await import("../ssh/public-key.ts");
  const read = readPublicKey(text);
  if ("reason" in read) throw new Problem("invalid-value", `${where} ${read.reason}`);
  return read;
}
