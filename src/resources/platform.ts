import type { Facts } from "../engine/facts.ts";
import type { Requirement, Unmet } from "../problem/requirement.ts";

/** The supported releases by ID and VERSION_ID of os-release(5). Raspberry Pi OS 64-bit has the ID debian. */
const supported: Record<string, string[]> = {
  debian: ["12", "13"],
  ubuntu: ["22.04", "24.04", "26.04"],
};
/** The codenames of the same releases, which a derivative names. */
const codenames: Record<string, string[]> = {
  debian: ["bookworm", "trixie"],
  ubuntu: ["jammy", "noble", "resolute"],
};
const names = "Debian 12 or 13, Ubuntu 22.04, 24.04 or 26.04, or Raspberry Pi OS 64-bit of these";

/**
 * Returns a requirement that is met on a supported system. A derivative, detected by ID_LIKE, is accepted with a
 * warning.
 */
export function platform(facts: Facts): Requirement {
  return {
    name: "host:platform",
    title: `${facts.name}, ${facts.architecture}`,
    check(_, warn) {
      if (derivedFrom(facts))
        warn(`${facts.name} is a derivative: supported as far as it is like ${facts.like.join(", ")}`);
      return unmetReason(facts);
    },
  };
}

/**
 * Returns a requirement that is met if the repositories of Docker and GitLab have packages for this host. They do not
 * list derivatives, so a derivative must name the release that it derives from.
 */
export function foreignPackages(facts: Facts): Requirement {
  const { family, codename, name } = facts;
  return {
    name: "host:foreign-packages",
    title: `Docker and GitLab have packages for ${family} ${codename}`,
    check() {
      if (family !== null && codenames[family]?.includes(codename)) return null;
      const named = codename === "" ? "it has no VERSION_CODENAME" : `its codename is ${codename}`;
      const reason = `Docker and GitLab have no packages for ${name} (${named}): edox-ops needs ${names}, or a derivative that names one of these`;
      return { reason, hint: ["cat", "/etc/os-release"], code: "unsupported-platform" };
    },
  };
}

function derivedFrom({ id, like }: Facts): boolean {
  return supported[id] === undefined && like.some((each) => supported[each] !== undefined);
}

function unmetReason(facts: Facts): Unmet | null {
  const { id, version, name, architecture } = facts;
  const hint = ["cat", "/etc/os-release"];
  const refusal = (reason: string): Unmet => ({
    reason: `${reason}: edox-ops needs ${names}`,
    hint,
    code: "unsupported-platform",
  });
  if (!facts.apt) return refusal(`${name} has no apt-get`);
  if (!derivedFrom(facts) && !supported[id]?.includes(version)) return refusal(`${name} is not supported`);
  if (architecture !== "amd64" && architecture !== "arm64") {
    return refusal(`${name} has a ${architecture || "foreign"} userland, which is not 64-bit x86 or ARM`);
  }
  if (!facts.systemd) return refusal("this host was not booted with systemd");
  return null;
}
