#!/bin/sh
# Waits for the Docker daemon of a job, for a minute at the most; where it does not come, says what is there of it.
set -eu

limit=60
desk="to repeat it: DOCKER_HOST= sh test/integration/run_docker.sh"

for _ in $(seq "$limit"); do
  if docker info >/dev/null 2>&1; then
    docker version --format 'Docker {{.Server.Version}} answers'
    exit 0
  fi
  sleep 1
done
docker info || true
echo "certificates in ${DOCKER_CERT_PATH:-no DOCKER_CERT_PATH}:"
ls -l "${DOCKER_CERT_PATH:-/nowhere}" 2>&1 || true
echo "the daemon's own log stands above, where the runner shows its services (CI_DEBUG_SERVICES)"
echo "error: no Docker daemon answers at ${DOCKER_HOST:-this machine} within ${limit} s: is the runner privileged? ($desk)"
exit 1
