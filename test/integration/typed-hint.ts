// Types the hint that a command printed.

import type { TestHost } from "./test-host.ts";

/** Returns the first hint in a text, as it is printed. */
function hintIn(text: string): string | undefined {
  const [, ofError, ofFinding] = /^hint: (.*)$|\(run: (.*)\)$/m.exec(text) ?? [];
  return ofError ?? ofFinding;
}

/** Runs the first hint in a text on the host, exactly as printed, and returns all that it prints. */
export function typedHint(host: TestHost, text: string): string {
  const hint = hintIn(text);
  if (hint === undefined) throw new Error(`there is no hint in:\n${text}`);
  const { stdout, stderr } = host.sh(hint);
  return stdout + stderr;
}

/** nginx loads its files after the reload has returned. */
const settleMs = 10_000;

/** Runs a command and its hint in turn until it prints none, and returns the hints. Throws if a hint fails or remains. */
export async function hintsUntilFine(host: TestHost, command: string): Promise<string[]> {
  const hints: string[] = [];
  let typedAt = 0;
  for (;;) {
    const { code, stdout, stderr } = host.sh(command);
    const hint = hintIn(stdout + stderr);
    if (hint === undefined && code === 0) return hints;
    if (hint !== undefined && hint === hints.at(-1) && Date.now() - typedAt < settleMs) {
      await Bun.sleep(200);
      continue;
    }
    if (hint === undefined || hints.includes(hint)) throw new Error(`${command} still fails\n${stdout}${stderr}`);
    hints.push(hint);
    const typed = host.sh(hint);
    if (typed.code !== 0) throw new Error(`${hint} fails\n${typed.stdout}${typed.stderr}`);
    typedAt = Date.now();
  }
}
