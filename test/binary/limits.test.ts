// The compiled binary under limits of a unit or a shell: it works, or prints one line that names the limit.

import { expect, test } from "bun:test";
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { version } from "../../package.json";

const binary = `${import.meta.dir}/../../dist/linux-x64/edox-ops`;

/** Timeout in milliseconds, because the runtime could also hang. */
const limitMs = 20_000;

function run(argv: readonly string[]) {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...argv], { env: {}, stdin: "ignore", timeout: limitMs });
  return { exit: exitCode, out: stdout.toString(), err: stderr.toString() };
}

const addressSpace = ["/usr/bin/prlimit", "--as=1000000000"];
const dataSize = ["/usr/bin/prlimit", "--data=1000000000"];
/** Gives the command its own /run, which holds the locks, so that the machine's does not change. */
const ownRun = ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", 'mount -t tmpfs none /run && exec "$@"', "sh"];

test.each([
  ["with 1 GB of address space", addressSpace],
  ["with 1 GB of data", dataSize],
])("limits: read-only commands work %s", (_, under) => {
  expect(run([...under, binary, "--version"])).toMatchObject({ exit: 0, err: "" });
  const { findings } = JSON.parse(run([...under, binary, "doctor", "--json"]).out);
  expect(findings).not.toBeEmpty();
});

const tooLittle = "the memory of this process is limited to 953 MiB";

test.each([
  ["with 1 GB of address space", addressSpace, `${tooLittle} (ulimit -v, LimitAS=)`, "ulimit -v unlimited"],
  ["with 1 GB of data", dataSize, `${tooLittle} (ulimit -d, LimitDATA=)`, "ulimit -d unlimited"],
])("limits: a command that changes the host names the limit and its setting %s", (_, under, message, hint) => {
  const { exit, out, err } = run([...ownRun, ...under, binary, "project", "add", "demo", "--domain", "demo.test"]);
  const [first, second, ...more] = err.split("\n");
  expect([exit, out, second, more]).toEqual([1, "", `hint: ${hint}`, [""]]);
  expect(first).toStartWith(`error: ${message}`);
});

test("limits: a user with too few threads gets an error before the runtime aborts", () => {
  const folder = mkdtempSync(`${tmpdir()}/edox-ops-limits-`);
  try {
    chmodSync(folder, 0o755);
    copyFileSync(binary, `${folder}/edox-ops`);
    const asUser = ["/usr/bin/setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"];
    expect(run([...asUser, "/usr/bin/prlimit", "--nproc=4", `${folder}/edox-ops`, "doctor"])).toEqual({
      exit: 1,
      out: "",
      err: "error: only 4 processes and threads may run here; 32 must be free (ulimit -u, LimitNPROC=)\n",
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("CPU: the program starts on the oldest x86-64-v2 processor, and needs each flag that the installer requires", async () => {
  const on = (cpu: string) => run(["/usr/bin/qemu-x86_64-static", "-cpu", cpu, binary, "--version"]);
  expect(on("Nehalem")).toMatchObject({ exit: 0, out: `${version}\n` });
  const demanded = /for flag in (.+); do/.exec(await Bun.file(`${import.meta.dir}/../../build/unfit.sh`).text())?.[1];
  expect(demanded).toBe("ssse3 sse4_1 sse4_2 popcnt");
  // The names as QEMU spells them.
  for (const flag of ["ssse3", "sse4.1", "sse4.2", "popcnt"]) {
    expect([flag, on(`Nehalem,-${flag}`).out]).toEqual([flag, ""]);
  }
});
