import type { HostReader } from "../host/host.ts";

/**
 * Returns the output of the first of these commands that prints anything. The commands print the newest line first; the
 * result has the oldest first.
 */
export async function firstOutput(reader: HostReader, commands: readonly string[][]): Promise<string> {
  for (const argv of commands) {
    const { stdout } = await reader.probe(argv);
    if (stdout.trim() !== "") return `${stdout.trimEnd().split("\n").reverse().join("\n")}\n`;
  }
  return "";
}
