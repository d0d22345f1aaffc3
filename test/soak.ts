// The long form of the tests that interrupt runs, and of properties: many rounds, three files in parallel, and the
// results of those rounds.
//   bun test/soak.ts: EDOX_SEED=N for the moments of another run

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";

interface Figure {
  kind: string;
  suite: string;
  moment: number;
  found: string;
}

/** The longest first: a faulty mirror, whose tests mostly wait. */
const jobs = [
  ["mirror", "on bookworm|waited for"],
  ["chance", "on bookworm"],
  ["chance", "on trixie"],
  ["mirror", "on trixie"],
  // Not with the others, because `npm test` runs each of those.
  ["../soak/arm64"],
  ["../soak/first-boot"],
  ["../soak/runner-disk"],
  ["../soak/move"],
  ["../soak/move-faults", "on bookworm"],
  ["../soak/move-faults", "on trixie"],
  ["network"],
  ["first-boot"],
  ["bundle", "dark bookworm"],
  ["bundle", "dark trixie"],
  ["deploy-killed"],
  ["ci-killed", "on bookworm"],
  ["ci-killed", "on trixie"],
  ["hardening-states", "on bookworm"],
  ["hardening-states", "on trixie"],
  ["killed"],
  ["environment"],
  ["harness"],
  ["journal"],
  ["watch", "on bookworm"],
  ["watch", "on trixie"],
  ["power"],
  ["https", "on bookworm"],
  ["https", "on trixie"],
  ["https-year", "on bookworm"],
  ["https-year", "on trixie"],
  ["../soak/https-power"],
  ["full"],
  // The sizes of the packages with the compression of a release.
  ["release"],
  ["runner", "on bookworm"],
  ["project", "on bookworm"],
  ["project", "on trixie"],
  ["install"],
  ["site"],
  ["backup", "on bookworm"],
  ["backup", "on trixie"],
  ["../soak/backup-faults", "on bookworm"],
  ["../soak/backup-faults", "on trixie"],
  ["../soak/backup-servers"],
  ["pipeline"],
  ["stand-ins"],
  ["races", "on bookworm"],
  ["races", "on trixie"],
  ["deploy"],
  ["deploy-keys", "on bookworm"],
  ["deploy-keys", "on trixie"],
  ["../deploy-keys/hostile"],
  ["hardening-rest", "on bookworm"],
  ["hardening-rest", "on trixie"],
  ["hardening-ssh"],
  ["hardening-guard"],
  ["hardening-proof"],
  ["hardening-undo"],
  ["hardening-firewall"],
  ["hardening-docker"],
  ["../soak/hardening-scores"],
  // Properties, with many more generated inputs than in `npm test`.
  ["../sites/archive-refused"],
  ["../sites/store"],
  ["../sites/odd-source"],
  ["../toml/edit"],
  ["../sites/side-by-side"],
  ["../host/listing"],
  ["../resources/owner"],
  ["../host/search"],
  ["../report/foreign"],
  ["../engine/journal"],
  ["../engine/journal-killed"],
  ["../toml/sections"],
];
const atOnce = 3;
const dir = mkdtempSync(`${tmpdir()}/edox-soak-`);
const path = `${dir}/figures`;
const start = performance.now();

try {
  writeFileSync(path, "");
  let failed = false;
  const worker = async (): Promise<void> => {
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) if ((await run(job)) !== 0) failed = true;
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  const lines = readFileSync(path, "utf8").split("\n").filter(Boolean);
  table(lines.map((line) => JSON.parse(line) as Figure));
  console.log(`${Math.round((performance.now() - start) / 60_000)} min`);
  process.exitCode = failed ? 1 : 0;
} finally {
  rmSync(dir, { recursive: true });
}

async function run([name, filter]: readonly string[]): Promise<number> {
  const only = filter === undefined ? [] : ["-t", filter];
  const argv = [process.execPath, "test", "--timeout=600000", ...only, `./test/integration/${name}.test.ts`];
  const child = Bun.spawn(argv, {
    cwd: `${import.meta.dir}/..`,
    env: { ...process.env, NO_COLOR: "1", EDOX_SOAK: "1", EDOX_FIGURES: path },
    stdio: ["ignore", "inherit", "inherit"],
  });
  return await child.exited;
}

/** Prints for each kind and suite how many rounds succeeded, and how often their next runs found what. */
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
