// A real process that is killed in a step with a journal, in a temporary directory of this machine.

import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";

/** In a namespace of its own, any user is root. */
const asRoot = process.geteuid?.() === 0 ? [] : ["unshare", "--map-root-user"];

test("journal: a process killed before any of its changes is rolled back by the next one", async () => {
  const root = mkdtempSync(`${tmpdir()}/edox-ops-journal-`);
  try {
    const start = async (...words: string[]) => {
      const argv = [...asRoot, process.execPath, `${import.meta.dir}/journaled-run.ts`, root, ...words];
      const child = Bun.spawn(argv, { stdout: "pipe", stderr: "pipe" });
      const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
      await child.exited;
      return { signal: child.signalCode, out, err };
    };
    const before = (await start("setup", "state")).out;
    expect(before).toContain("large");
    let killed = 0;
    for (let signal: unknown = "SIGKILL"; signal === "SIGKILL"; killed++) {
      const run = await start("recover", "state", "run", String(killed));
      expect(run).toMatchObject({ out: before, err: "" });
      signal = run.signal;
    }
    // The journal's first line and its end, and two calls for each of nine changes: one run more is not killed.
    expect(killed).toBe(2 + 2 * 9 + 1);
    expect((await start("recover", "state")).out).not.toBe(before);
    expect(readdirSync(`${root}/var/lib/edox-ops/journal`)).toEqual([]);
  } finally {
    rmSync(root, { recursive: true });
  }
}, 120_000);
