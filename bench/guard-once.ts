// Deploys a directory below a folder, with the code of the binary, and measures the search for vanished addresses apart.
// Compiled for the benchmark, and started as a new process each time.
//   guard-once ROOT SOURCE

import { localHost } from "../src/host/local.ts";
import { localTrees } from "../src/host/local-trees.ts";
import { guardAddresses } from "../src/sites/addresses/guard.ts";
import { deploy, signalPause } from "../src/sites/deploy/deploy.ts";
import { plan } from "../src/sites/deploy/plan.ts";
import { withRelease } from "../src/sites/deploy/release.ts";
import { deployRequest } from "../src/sites/deploy/requests.ts";
import { siteTarget } from "../src/sites/target.ts";
import { demo } from "./deploy-once.ts";

export interface GuardOnce {
  /** Milliseconds of the deploy from its plan to its end, and of the search that is part of it. */
  deploy: number;
  guard: number;
  /** The same in processor time of all threads. */
  deployCpu: number;
  guardCpu: number;
  vanished: number;
  /** How many of those are found at another address. */
  moved: number;
}

if (import.meta.main) {
  const [root = "", dir = ""] = process.argv.slice(2);
  const host = localHost(root);
  const trees = localTrees(root);
  const project = demo("demo");
  const target = siteTarget(project);
  const selection = { source: dir, subdir: null, trusted: [0] };
  const choices = { keep: 5, backup: true, allowEmpty: false, again: [], asks: false, dryRun: false };
  const open = () => deployRequest(host, trees, { project, selection, choices });
  const found = await withRelease({ target, dryRun: false, host, trees }, open, async ({ request }) => {
    if (request === null) throw new Error("there is nothing to deploy");
    const paused = { ...request, pause: signalPause(host, () => {}) };
    const start = now();
    const planned = await plan(host, trees, paused);
    const [before, vanished] = [now(), await guardAddresses(trees, paused, planned)];
    const after = now();
    // The deploy searches too, so the search before it is not part of the whole.
    await deploy(host, trees, paused, planned);
    const end = now();
    const [guard, guardCpu] = [after.wall - before.wall, after.cpu - before.cpu];
    return {
      deploy: end.wall - start.wall - guard,
      guard,
      deployCpu: end.cpu - start.cpu - guardCpu,
      guardCpu,
      vanished: vanished.length,
      moved: vanished.filter(({ moved_to }) => moved_to !== null).length,
    } satisfies GuardOnce;
  });
  console.log(JSON.stringify(found));
}

function now(): { wall: number; cpu: number } {
  const { user, system } = process.cpuUsage();
  return { wall: performance.now(), cpu: (user + system) / 1000 };
}
