/** The system user of the package, which its jobs run as with the shell executor. */
export const runnerUser = "gitlab-runner";
/** Without the suffix .service. */
export const runnerUnit = "gitlab-runner";
