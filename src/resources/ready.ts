// What may not be ready yet on a host that has just been started.

import type { Requirement } from "../engine/step.ts";

/** cloud-init installs packages of its own on the first start; its files say whether it runs at all, and has ended. */
export const firstBootDone: Requirement = {
  name: "host:first-boot",
  title: "cloud-init has done its first start",
  waitMs: 600_000,
  check: (see) =>
    see.stat("/run/cloud-init/enabled") === null || see.stat("/run/cloud-init/result.json") !== null
      ? null
      : { reason: "cloud-init has not ended", hint: ["cloud-init", "status", "--long"] },
};

/** A clock before this program's own date has not been set since the start: certificates and lists are not valid yet. */
export const clockSet: Requirement = {
  name: "host:clock-set",
  title: "the clock is set",
  waitMs: 120_000,
  check(see) {
    if (see.now() >= EDOX_OPS_BUILT * 1000) return null;
    const reason = `the clock says ${new Date(see.now()).toISOString()}, which is before this edox-ops was built`;
    return { reason, hint: ["sudo", "timedatectl", "set-ntp", "true"] };
  },
};
