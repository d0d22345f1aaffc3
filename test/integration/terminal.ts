// Reads what a command prints at a terminal.

import type { TestHost } from "./test-host.ts";

/** Runs a command line on the host at a pseudo-terminal of this width, and returns what it prints. */
export function atTerminal(host: TestHost, line: string, columns: number): string {
  const sized = `stty cols ${columns} rows 24; exec ${line}`;
  const { stdout } = host.run([
    ...["env", "TERM=xterm-256color", "LANG=C.UTF-8", "NO_COLOR=1"],
    ...["script", "--quiet", "--return", "--command", sized, "/dev/null"],
  ]);
  return stdout.replaceAll("\r\n", "\n");
}
