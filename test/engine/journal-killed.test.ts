// A real process that is killed in a step with a journal, in a temporary directory of this machine.

import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { runs } from "../runs.ts";

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
    // The journal's first line and its end, and two calls for each of nine changes. After as many, a run is not killed.
    const calls = 2 + 2 * 9;
    for (let killed = 0; killed <= calls; killed += runs(4, 1)) {
      const run = await start("recover", "state", "run", String(killed));
      expect(run).toEqual({ out: before, err: "", signal: killed < calls ? "SIGKILL" : null });
    }
    expect((await start("recover", "state")).out).not.toBe(before);
    expect(readdirSync(`${root}/var/lib/edox-ops/journal`)).toEqual([]);
  } finally {
    rmSync(root, { recursive: true });
  }
}, 120_000);
