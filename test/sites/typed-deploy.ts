// `project deploy` as typed, on a host in a temporary directory: in this process, or in a separate one. `bun
// typed-deploy.ts ROOT SOURCE…` runs one deploy per source, and prints a line of JSON for each.

import { mkdirSync } from "node:fs";
import { cli } from "../../src/cli/cli.ts";
import { localHost } from "../../src/host/local.ts";
import { localTrees } from "../../src/host/local-trees.ts";
import { hintFor } from "../../src/report/style.ts";
import { unpackLimits } from "../../src/sites/deploy/unpacked.ts";
import { Secret } from "../../src/text/secret.ts";
import { project, TreeHost } from "./tree.ts";

/** A host with a record of the project demo. */
export function registeredHost(): TreeHost {
  const host = new TreeHost();
  host.write("/etc/edox-ops/projects.json", JSON.stringify({ demo: project }));
  host.mode("/etc/edox-ops/projects.json", 0o600);
  mkdirSync(`${host.root}/var/log`);
  return host;
}

export interface Typed {
  exit: number;
  out: string;
  err: string;
}

/** Deploys `source` as the project demo of the host below `root`. */
export async function typedDeploy(root: string, source: string, ...flags: string[]): Promise<Typed> {
  let [out, err] = ["", ""];
  const console = {
    async out(text: string) {
      out += text;
    },
    err(text: string) {
      err += text;
    },
    colour: () => false,
    width: () => null,
    unicode: () => true,
    interactive: () => false,
    confirm: async () => false,
    secret: async () => new Secret(""),
    text: async () => "",
  };
  const context = {
    host: async () => localHost(root),
    trees: async () => localTrees(root),
    console,
    variable: () => undefined,
    program: "/usr/bin/edox-ops",
    hint: hintFor("/usr/bin/edox-ops", true),
  };
  const exit = await cli(context, ["project", "deploy", "demo", "--source", source, ...flags]);
  return { exit, out, err };
}

if (import.meta.main) {
  const [root = "", ...sources] = process.argv.slice(2);
  const idle = process.env.IDLE_MS;
  if (idle) unpackLimits.idleMs = Number(idle);
  for (const source of sources) console.log(JSON.stringify(await typedDeploy(root, source)));
}
