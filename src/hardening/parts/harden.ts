// Several parts of the hardening in one run.

import { stateDir } from "../../engine/paths.ts";
import type { Recipe, Step } from "../../engine/step.ts";
import { directory } from "../../resources/directory.ts";
import { fail2ban } from "../fail2ban/recipe.ts";
import { logrotate } from "../logrotate.ts";
import { nginxRestricted } from "../nginx-unit.ts";
import { hostRecipe } from "../recipe.ts";
import { recordFile } from "../record.ts";
import { securityUpdates } from "../updates.ts";

export interface Harden {
  /** A port of SSH in addition to those that the server listens on. */
  sshPort?: number | undefined;
  /** The parts that the Python version did not have in it, too. */
  all?: boolean;
  /** The address of the admin's session. */
  address?: string | null;
}

/** The default of the Python version, which a script may rely on. */
const defaultPort = 22;

/** Returns the recipe. The failure of a part does not keep the others from being applied. */
export function harden({ sshPort, all = false, address = null }: Harden): Recipe {
  const steps = [
    ...inPart("record", [recorded(sshPort)]),
    ...inPart("security-updates", securityUpdates().steps),
    ...inPart("fail2ban", fail2ban({ sshPort, address }).steps),
    ...(all ? [...inPart("logrotate", logrotate.steps), ...inPart("nginx", [nginxRestricted])] : []),
  ];
  return hostRecipe(`host harden${all ? " --all" : ""}`, "This host is hardened.", steps);
}

function inPart(part: string, steps: readonly Step[]): Step[] {
  return steps.map((step) => ({ ...step, part }));
}

/** The contract fixes the key. Without a port, the recorded one stays. */
function recorded(sshPort: number | undefined): Step {
  return {
    id: "host.harden.record",
    title: "the port of SSH is recorded",
    resources: [
      directory(stateDir, 0o750, `state:${stateDir}`),
      recordFile((before) => ({ ...before, ssh_port: sshPort ?? before.ssh_port ?? defaultPort })),
    ],
  };
}
