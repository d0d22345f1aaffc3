// Tests the host that the other tests use.

import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { suites } from "./base.ts";
import { bootstrapped } from "./bootstrapped.ts";
import { run } from "./run.ts";
import { TestHost } from "./test-host.ts";

test("test host: a command arrives unchanged in a host", async () => {
  using host = await TestHost.up("bookworm");
  expect(host.run(["echo", "$HOME", "$$"]).stdout).toBe("$HOME $$\n");
  expect(host.sh('kill -0 $$ && echo "$HOME"').stdout).toBe("/root\n");
  // A host that shuts down stops all its programs, and nsenter then stops itself.
  const stopped = host.entering(["sh", "-c", "echo begun; kill -STOP $$"]);
  expect(() => run(stopped, 1000)).toThrow(/ kill -STOP \$\$ did not end, .* within 1 s\nbegun\n$/);
});

test("test host: a program that keeps the output of a command is not waited for forever", () => {
  expect(() => run(["sh", "-c", "sleep 5 & echo begun"], 500)).toThrow(/sleep 5 .* within 0\.5 s\nbegun\n$/);
});

for (const suite of suites) {
  test(`test host: a ${suite} that starts from the saved state is converged, and has its own name`, async () => {
    using host = await bootstrapped(suite);
    expect(host.run(["edox-ops", "bootstrap", "--check", "--quiet"])).toMatchObject({ code: 0, stderr: "" });
    expect(host.run(["edox-ops", "doctor"]).stdout).toEndWith("Doctor: host looks ready.\n");
    expect(host.run(["getent", "hosts", "gateway"]).stdout).toStartWith(`${host.gateway} `);
  });
}

test("test host: concurrent hosts get different numbers, also after a run was killed", async () => {
  const taking = `import { sweep, takeIndex } from "${import.meta.dir}/belongings.ts";
    const index = takeIndex("/nonexistent");
    console.log(index);
    await Bun.stdin.text();
    sweep(index, "/nonexistent");`;
  const take = () => Bun.spawn([process.execPath, "-e", taking], { stdin: "pipe", stdout: "pipe" });
  type Taker = ReturnType<typeof take>;
  const said = async ({ stdout }: Taker) => {
    for await (const chunk of stdout) return Number(new TextDecoder().decode(chunk));
    return 0;
  };
  const numbersOf = async (takers: Taker[]) => {
    const numbers = await Promise.all(takers.map(said));
    for (const each of takers) each.stdin.end();
    await Promise.all(takers.map((each) => each.exited));
    return numbers;
  };
  for (const free of await numbersOf(Array.from({ length: 4 }, take))) {
    writeFileSync(`/run/edox-ops-test/${free}`, "/nonexistent\n");
  }
  const numbers = await numbersOf(Array.from({ length: 8 }, take));
  expect(numbers).not.toContain(0);
  expect(new Set(numbers).size).toBe(8);
});
