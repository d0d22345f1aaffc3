/** What one check found. A warning leaves the exit code 0. */
export interface Finding {
  name: string;
  status: "ok" | "warning" | "error";
  detail: string;
  /** The command to type. */
  hint?: readonly string[];
  /** The step that mends it. */
  step?: string;
}

/** A check that only looks. */
export interface Entry {
  name: string;
  /** Where it is given, the entry is there only on hosts that it is true of. */
  only?(see: import("../host/host.ts").HostReader): boolean;
  /** It asks a program, and is started before those that do not: these look while that one answers. */
  asks?: true;
  look(see: import("../host/host.ts").HostReader): Omit<Finding, "name"> | Promise<Omit<Finding, "name">>;
}
