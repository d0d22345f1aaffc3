// The long form of the tests that end a run somewhere: many rounds, two suites side by side, and their figures.
//   bun test/soak.ts: EDOX_SEED=N for the moments of another run

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";

interface Figure {
  kind: string;
  suite: string;
  moment: number;
  found: string;
}

const files = ["full", "power", "chance"].map((name) => `./test/integration/${name}.test.ts`);
const suites = ["bookworm", "trixie"];
const dir = mkdtempSync(`${tmpdir()}/edox-soak-`);
const path = `${dir}/figures`;
const start = performance.now();

try {
  writeFileSync(path, "");
  const ended = await Promise.all(suites.map(one));
  const lines = readFileSync(path, "utf8").split("\n").filter(Boolean);
  table(lines.map((line) => JSON.parse(line) as Figure));
  console.log(`${Math.round((performance.now() - start) / 60_000)} min`);
  process.exitCode = ended.every((code) => code === 0) ? 0 : 1;
} finally {
  rmSync(dir, { recursive: true });
}

async function one(suite: string): Promise<number> {
  const child = Bun.spawn([process.execPath, "test", "--timeout=600000", "-t", `on ${suite}`, ...files], {
    cwd: `${import.meta.dir}/..`,
    env: { ...process.env, NO_COLOR: "1", EDOX_SOAK: "1", EDOX_FIGURES: path },
    stdio: ["ignore", "inherit", "inherit"],
  });
  return await child.exited;
}

/** Of each kind: on which suite how many rounds ended well, and what their next runs found, how often. */
function table(figures: readonly Figure[]): void {
  for (const [kind, ofKind] of Map.groupBy(figures, ({ kind }) => kind)) {
    for (const [suite, all] of Map.groupBy(ofKind, ({ suite }) => suite)) {
      const found = [...Map.groupBy(all, ({ found }) => found)].map(([what, times]) => `${times.length} ${what}`);
      console.log(
        `${kind.padEnd(36)} ${suite.padEnd(9)} ${String(all.length).padStart(3)}  ${found.sort().join("; ")}`,
      );
    }
  }
}
