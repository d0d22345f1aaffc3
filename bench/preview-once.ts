// Deploys a tar on stdin as a preview below a folder, with the code of the binary. Compiled for the benchmark, and
// started as a new process each time.
//   preview-once ROOT NAME

import { readFileSync } from "node:fs";
import { localHost } from "../src/host/local.ts";
import { localTrees } from "../src/host/local-trees.ts";
import { deploy, signalPause } from "../src/sites/deploy/deploy.ts";
import { withRelease } from "../src/sites/deploy/release.ts";
import { deployRequest } from "../src/sites/deploy/requests.ts";
import { previewTarget, siteTarget } from "../src/sites/target.ts";
import { demo } from "./deploy-once.ts";

export interface PreviewOnce {
  changed: number;
  /** Size of the written files. */
  bytes: number;
  /** Unix time in milliseconds at which the preview could be requested. */
  liveAt: number;
  /** The memory of this process in MB. */
  peak: number;
}

if (import.meta.main) {
  const [root = "", name = ""] = process.argv.slice(2);
  const host = localHost(root);
  const trees = localTrees(root);
  const project = demo("demo");
  const target = previewTarget(project.slug, name);
  const selection = { source: "-", subdir: null, trusted: [0], target, base: siteTarget(project) };
  const choices = { keep: 0, backup: false, allowEmpty: false, again: [], asks: false, dryRun: false };
  let liveAt = 0;
  const found = await withRelease(
    { target, dryRun: false, host, trees },
    () => deployRequest(host, trees, { project, selection, choices }),
    async ({ request }) => {
      if (request === null) throw new Error("there is nothing to deploy");
      // The probe runs when the tree is live. Here it only takes the time.
      const probe = async (): Promise<null> => {
        liveAt = Date.now();
        return null;
      };
      return deploy(host, trees, { ...request, probe, pause: signalPause(host, () => {}) });
    },
  );
  if (found.notes.length > 0) throw new Error(found.notes.join("\n"));
  const peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1]) / 1024;
  console.log(JSON.stringify({ changed: found.changed, bytes: found.bytes, liveAt, peak } satisfies PreviewOnce));
}
