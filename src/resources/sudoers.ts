// Files of /etc/sudoers.d.

import { type Change, installs, Text } from "../engine/change.ts";
import type { Resource } from "../engine/step.ts";
import type { HostReader } from "../host/host.ts";
import { Problem } from "../problem/problem.ts";
import { file } from "./file.ts";

interface SudoersSpec {
  /** sudo ignores names with a dot. */
  path: string;
  name: string;
  title: string;
  /** Returns the desired content on this host, or null if the file should not exist. */
  text: (reader: HostReader) => string | null;
}

/**
 * Returns a resource for a file of sudo rules. A file with an error disables sudo for everyone, so it is validated before
 * it is written.
 */
export function sudoersFile({ path, name, title, text }: SudoersSpec): Resource {
  return file({
    name,
    title,
    path,
    mode: 0o440,
    async text(reader, ahead) {
      const content = text(reader);
      if (content === null) return null;
      const after = Text.of(content);
      const present = reader.read(path);
      if (present === null || !after.equals(new Text(present))) await demandValid(reader, ahead, path, after);
      return after;
    },
  });
}

async function demandValid(reader: HostReader, ahead: readonly Change[], path: string, { bytes }: Text): Promise<void> {
  if (installs(ahead, "sudo")) return;
  const input = (async function* () {
    yield bytes;
  })();
  const argv = ["visudo", "--check", "--strict", "--file=-"];
  const { code, stdout, stderr } = await reader.probe(argv, { input, limitMs: 10_000 });
  if (code === 0) return;
  throw new Problem("invalid-config", `sudo does not accept ${path}: ${stderr.trim() || stdout.trim()}`);
}
