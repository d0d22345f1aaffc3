/** What one check found. A warning, and what could not be looked at, leaves the exit code 0. */
export interface Finding {
  name: string;
  status: "ok" | "warning" | "unknown" | "error";
  detail: string;
  /** The command to type. */
  hint?: readonly string[];
  /** The step that mends it. */
  step?: string;
  /** The name of the failing check that this one follows from: mending that one mends it, or shows what is left. */
  follows?: string;
}

/** A check that only looks. */
export interface Entry {
  name: string;
  /** Where it is given, the entry is there only on hosts that it is true of. */
  only?(see: import("../host/host.ts").HostReader): boolean;
  /** It asks a program, and is started before those that do not: these look while that one answers. */
  asks?: true;
  /** Checks that this one cannot hold without. Where it does not, it follows from the first of them that fails. */
  follows?: readonly string[];
  look(see: import("../host/host.ts").HostReader): Omit<Finding, "name"> | Promise<Omit<Finding, "name">>;
}
