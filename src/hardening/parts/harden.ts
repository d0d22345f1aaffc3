// Several parts of the hardening in one run.

import { stateDir } from "../../engine/paths.ts";
import type { Recipe, Step } from "../../engine/step.ts";
import type { HostReader } from "../../host/host.ts";
import { directory } from "../../resources/directory.ts";
import type { SshSession } from "../../ssh/session.ts";
import { fail2ban } from "../fail2ban/recipe.ts";
import { firewallRecipe } from "../firewall/recipe.ts";
import { recordedOptions } from "../firewall/wanted.ts";
import { logrotate } from "../logrotate.ts";
import { nginxRecipe } from "../nginx-unit.ts";
import { hostRecordPath } from "../paths.ts";
import { hostRecipe } from "../recipe.ts";
import { readHostRecord, recordFile } from "../record.ts";
import { sshHarden } from "../ssh/recipe.ts";
import { securityUpdates } from "../updates.ts";

export interface Harden {
  /** A port of SSH in addition to those that the server listens on. */
  sshPort?: number | undefined;
  /** The parts that the Python version did not have in it, too. */
  all?: boolean;
  /** The SSH session of the admin, or null. */
  session?: SshSession | null;
  /** --confirm-within */
  confirmWithinMs?: number | undefined;
}

/** The default of the Python version, which a script may rely on. */
const defaultPort = 22;

/** Returns the recipe. The failure of a part does not keep the others from being applied. */
export function harden({ sshPort, all = false, session = null, confirmWithinMs }: Harden): Recipe {
  const firewall = (reader: HostReader) => {
    const recorded = recordedOptions(reader);
    return { ...recorded, sshPort: sshPort ?? recorded.sshPort, sessionPort: session?.server.port };
  };
  const steps = [
    ...inPart("record", { steps: [recorded(sshPort)] }),
    ...inPart("security-updates", securityUpdates()),
    ...inPart("firewall", firewallRecipe(firewall, { confirmWithinMs })),
    ...inPart("fail2ban", fail2ban({ sshPort, address: session?.client.address ?? null })),
    ...(all ? inPart("ssh", sshHarden({}, confirmWithinMs)) : []),
    ...(all ? inPart("logrotate", logrotate) : []),
    ...(all ? inPart("nginx", nginxRecipe) : []),
  ];
  return {
    ...hostRecipe(`host harden${all ? " --all" : ""}`, "This host is hardened.", steps),
    closing: { ready: "Host hardened" },
    // The Python version prints this line.
    doneOn(reader) {
      return `Host harden complete (ssh_port ${readHostRecord(reader).ssh_port} saved to ${hostRecordPath}).`;
    },
  };
}

/** Returns the steps of a part. Its requirements stop only this part. */
function inPart(part: string, { steps, requires: ofPart = [] }: Pick<Recipe, "steps"> & Partial<Recipe>): Step[] {
  return steps.map((step) => ({ ...step, part, requires: [...ofPart, ...(step.requires ?? [])] }));
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
