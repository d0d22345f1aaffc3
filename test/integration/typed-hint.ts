// Types the hint that a command printed.

import type { TestHost } from "./test-host.ts";

/** Runs the first hint in a text on the host, exactly as printed, and returns all that it prints. */
export function typedHint(host: TestHost, text: string): string {
  const [, ofError, ofFinding] = /^hint: (.*)$|\(run: (.*)\)$/m.exec(text) ?? [];
  const hint = ofError ?? ofFinding;
  if (hint === undefined) throw new Error(`there is no hint in:\n${text}`);
  const { stdout, stderr } = host.sh(hint);
  return stdout + stderr;
}
