// Runs in the host: every command in turn, forty times, and the medians as ratios to the first.

const rounds = 40;
const commands = [
  ["empty"],
  ["edox-ops", "--version"],
  ["edox-ops", "--help"],
  ["edox-ops", "bootstrap", "--yes"],
  ["edox-ops", "doctor"],
];
const times = commands.map((): number[] => []);

for (let round = -2; round < rounds; round++) {
  for (const [index, argv] of commands.entries()) {
    const start = Bun.nanoseconds();
    const { exitCode } = Bun.spawnSync(argv, { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
    const ms = (Bun.nanoseconds() - start) / 1e6;
    if (exitCode !== 0) throw new Error(`${argv.join(" ")} ended with ${exitCode}`);
    if (round >= 0) times[index]?.push(ms);
  }
}

const medians = times.map((each) => each.sort((a, b) => a - b)[rounds / 2] ?? 0);
for (const [index, argv] of commands.entries()) {
  const ratio = (medians[index] ?? 0) / (medians[0] ?? 1);
  console.log(
    `${argv.join(" ").padEnd(26)} ${(medians[index] ?? 0).toFixed(1).padStart(6)} ms ${ratio.toFixed(2).padStart(6)} x`,
  );
}
