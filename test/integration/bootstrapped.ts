// A host on which bootstrap has run, for files whose subject begins after it.

import type { Suite } from "./base.ts";
import type { Disk } from "./disk.ts";
import { type State, savedState, saveState } from "./saved.ts";
import { TestHost } from "./test-host.ts";

async function state(): Promise<State> {
  return {
    name: "bootstrapped",
    source: await Bun.file(`${import.meta.dir}/../../dist/linux-x64/edox-ops`).bytes(),
    async make(suite) {
      const host = await TestHost.bare(suite);
      const { code, stderr } = host.run(["edox-ops", "bootstrap", "--yes"]);
      if (code === 0) return host;
      host.down();
      throw new Error(stderr);
    },
  };
}

/** Boots a host that the built program has bootstrapped. Its journal and its log contain that run. */
export async function bootstrapped(suite: Suite = "bookworm", disk?: Disk): Promise<TestHost> {
  return TestHost.bare(suite, disk, undefined, await savedState(await state(), suite));
}

if (import.meta.main) await saveState(await state());
