// Runs one deploy below a folder, with the code of the binary. Compiled for the benchmark, and started as a new process
// each time.
//   deploy-once ROOT SOURCE KEEP [precompress]

import { readFileSync } from "node:fs";
import { localHost } from "../src/host/local.ts";
import { localTrees } from "../src/host/local-trees.ts";
import { deploy, signalPause } from "../src/sites/deploy/deploy.ts";
import { openAbove } from "../src/sites/deploy/releases.ts";
import type { Project } from "../src/sites/project.ts";
import { openSource } from "../src/sites/source/source-path.ts";
import { siteTarget } from "../src/sites/target.ts";

export interface Once {
  files: number;
  changed: number;
  bytes: number;
  /** The memory of this process in MB. */
  peak: number;
}

/** Returns the record of a site that nginx does not serve. */
export function demo(slug: string): Project {
  return {
    ...{ slug, domain: "demo.test", root_path: `/var/www/docs/${slug}`, source_path: null, branch: "main" },
    ...{ owner_group: "root", enabled: false, tls: false },
  };
}

if (import.meta.main) {
  const [root = "", dir = "", keep = "", precompress] = process.argv.slice(2);
  const host = localHost(root);
  const project = { ...demo(precompress ?? "demo"), precompress: precompress !== undefined };
  const trees = localTrees(root);
  const request = {
    ...{
      project,
      target: siteTarget(project),
      base: null,
      dir: openSource(host, trees, dir, [0]).path,
      live: openAbove(trees, siteTarget(project), host.uid).live,
      name: dir,
      of: "others" as const,
      keep: Number(keep),
      backup: true,
      allowEmpty: false,
      probe: null,
      again: [],
    },
    pause: signalPause(host, () => {}),
  };
  const { files, changed, bytes, notes } = await deploy(host, trees, request);
  if (notes.length > 0) throw new Error(notes.join("\n"));
  const peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1]) / 1024;
  console.log(JSON.stringify({ files, changed, bytes, peak } satisfies Once));
}
