export const dockerSocket = "/run/docker.sock";
export const dockerSourcePath = "/etc/apt/sources.list.d/docker.sources";
export const dockerKeyPath = "/etc/apt/keyrings/docker.asc";

/** The FILES section of the manual page. */
export const files: readonly (readonly [path: string, description: string])[] = [
  [dockerSocket, "socket of Docker Engine"],
  [dockerSourcePath, "apt source of Docker"],
  [dockerKeyPath, "key of that apt source"],
];
