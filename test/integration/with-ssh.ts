// A host with a real sshd and other packages that the hardening changes, for files whose subject begins after their installation.

import type { Suite } from "./base.ts";
import { type State, savedState, saveState } from "./saved.ts";
import { TestHost } from "./test-host.ts";

const install = `apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends \
  openssh-server openssh-client ufw logrotate && apt-get clean`;

const state: State = {
  name: "with-ssh",
  source: install,
  async make(suite) {
    const host = await TestHost.up(suite);
    const { code, stderr } = host.sh(install);
    if (code === 0) return host;
    host.down();
    throw new Error(stderr);
  },
};

/** Returns the state that {@link TestHost.up} and {@link TestHost.bare} take. Its hosts have the same keys of sshd. */
export async function withSsh(suite: Suite): Promise<string> {
  return savedState(state, suite);
}

if (import.meta.main) await saveState(state);
