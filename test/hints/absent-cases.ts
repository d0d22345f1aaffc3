// Hints about what is not set up, which doctor --all prints at a terminal.

/** A hint in the source, and a check that has it on a bare host. */
export const absentCases: { of: string; check: string; host: "bare" | "runner" }[] = [
  { of: 'bootstrap/feature.ts ["sudo", "edox-ops", "bootstrap"]', check: "package:nginx", host: "bare" },
  { of: 'doctor/collect.ts ["sudo", "edox-ops", ...command.split(" ")]', check: "certs:managed", host: "bare" },
  { of: 'doctor/collect.ts ["sudo", "edox-ops", ...command.split(" ")]', check: "runner:binary", host: "bare" },
  { of: 'doctor/collect.ts ["sudo", "edox-ops", ...command.split(" ")]', check: "ci-runner:docker", host: "bare" },
  { of: 'sites/checks.ts ["edox-ops", "project", "publish", "--help"]', check: "projects:managed", host: "bare" },
  {
    of: 'runner/checks.ts ["edox-ops", "gitlab-runner", "register", "--help"]',
    check: "ci-runner:config",
    host: "runner",
  },
];
