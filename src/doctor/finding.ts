/** What one check found. A warning leaves the exit code 0. */
export interface Finding {
  name: string;
  status: "ok" | "warning" | "error";
  detail: string;
  /** The command to type. */
  hint?: readonly string[];
}

/** A check that only looks. */
export interface Entry {
  name: string;
  look(see: import("../host/host.ts").HostReader): Omit<Finding, "name"> | Promise<Omit<Finding, "name">>;
}
