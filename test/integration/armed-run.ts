// A run with an armed step, for a host of the tests. It changes a file that a service reads when it starts.
//   bun armed-run.js WITHIN_MS fail | hold MS | confirm MS

import { run } from "../../src/cli/run.ts";
import { Text } from "../../src/engine/change.ts";
import type { Recipe, Resource } from "../../src/engine/step.ts";
import { awaitConfirmation } from "../../src/hardening/confirmation.ts";
import { localHost } from "../../src/host/local.ts";
import { localConsole } from "../../src/host/local-console.ts";
import { Problem } from "../../src/problem/problem.ts";
import { convergeRecipe } from "../../src/run/recipes.ts";

const [within = "", verb = "", ms = "0"] = process.argv.slice(2);
const path = "/etc/guarded.conf";

const resource: Resource = {
  name: "file:guarded",
  title: "the service has its new file",
  check(reader) {
    const before = new Text(reader.read(path) ?? new Uint8Array());
    const after = Text.of("new\n");
    if (before.equals(after)) return [];
    return [
      { kind: "file", path, before, after, mode: 0o644, uid: 0, gid: 0 },
      {
        kind: "command",
        argv: ["systemctl", "restart", "guarded.service"],
        reason: "it has its old file",
        again: true,
      },
    ];
  },
};

const recipe: Recipe = {
  ...{ command: "armed-run", logPath: "/var/log/edox-ops/armed-run.log", requires: [] },
  ...{ done: "Done.", failed: "armed-run failed at step" },
  steps: [
    {
      id: "guarded.change",
      title: "the service has its new file",
      resources: [resource],
      armed: { withinMs: Number(within) },
      async verify(host, step) {
        await host.run(["touch", "/run/guarded.window"]);
        if (verb === "fail") throw new Problem("verify-failed", "nobody gets in");
        if (verb === "confirm") return awaitConfirmation(host, Number(ms), step);
        for (const end = Date.now() + Number(ms); Date.now() < end; await host.sleep(50)) {
          const problem = step.stop();
          if (problem) throw problem;
        }
      },
    },
  ],
};

const refused = async (): Promise<never> => {
  throw new Error("it has no trees");
};
const environment = {
  ...{ console: localConsole, program: "/usr/local/bin/edox-ops", command: "armed-run", typed: [] },
  ...{ host: async () => localHost(), trees: refused, variable: () => undefined },
  hint: (argv: readonly string[]) => [...argv],
};
process.exitCode = await run({ yes: true }, environment, async (session) => {
  await convergeRecipe(session, () => recipe);
});
