/** Returns the part of a .gitlab-ci.yml that works on this host. */
export function snippet(service: string, mtu: number | null): string {
  const ethernet = 1500;
  const narrow = mtu !== null && mtu < ethernet;
  const options = [`"--mtu=${mtu}"`, `"--default-network-opt=bridge=com.docker.network.driver.mtu=${mtu}"`];
  const services = narrow
    ? ["services:", `  - name: ${service}`, `    command: [${options.join(", ")}]`]
    : [`services: ["${service}"]`];
  return [
    "",
    `image: ${service.replace("dind", "cli")}`,
    ...services,
    "variables:",
    "  DOCKER_HOST: tcp://docker:2376",
    "  DOCKER_TLS_CERTDIR: /certs",
    '  DOCKER_TLS_VERIFY: "1"',
    "  DOCKER_CERT_PATH: /certs/client",
    "before_script:",
    "  - for i in $(seq 30); do docker info >/dev/null 2>&1 && break; sleep 1; done; docker info",
    "",
  ].join("\n");
}
