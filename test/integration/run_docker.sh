#!/bin/sh
# Runs a script of ours on a host in a privileged container with systemd as PID 1: in a job, or on a machine with Docker.
#   BASE_IMAGE          the host's system, ubuntu:24.04 without it
#   DOCKER_PLATFORM     linux/amd64 or linux/arm64, the engine's own without it
#   INTEGRATION_SCRIPT  what runs in it, /usr/local/bin/run-integration without it
#   EDOX_DOCKER_MIRROR, EDOX_RUNNER_MIRROR  flags that name mirrors of Docker's and GitLab Runner's repositories
# For busybox's shell as well: the image docker:cli has no other.
set -eu
cd "$(dirname "$0")/../.."

base=${BASE_IMAGE:-ubuntu:24.04}
script=${INTEGRATION_SCRIPT:-/usr/local/bin/run-integration}
image=edox-ops-integration
boot_limit=120
work=$(mktemp -d)
child=
cause="it was ended"

finish() {
  code=$?
  trap - EXIT
  trap '' INT TERM
  [ -z "$child" ] || kill "$child" 2>/dev/null || true
  if [ -s "$work/id" ]; then
    [ "$code" = 0 ] || look
    docker rm --force --volumes "$(cat "$work/id")" >/dev/null || true
  fi
  rm -rf "$work"
  if [ "$code" = 0 ]; then
    echo "ok: $script on $base"
  else
    knobs="BASE_IMAGE=$base${DOCKER_PLATFORM:+ DOCKER_PLATFORM=$DOCKER_PLATFORM}"
    echo "error: $cause (to repeat it: $knobs INTEGRATION_SCRIPT='$script' sh test/integration/run_docker.sh)" >&2
  fi
  exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
  cause=$1
  exit 1
}

# A shell heeds a signal while it waits, not while a command runs.
watched() {
  "$@" &
  child=$!
  ended=0
  wait "$child" || ended=$?
  child=
  return "$ended"
}

inside() {
  docker exec "$(cat "$work/id")" "$@"
}

# What a person asks first of a host that failed.
look() {
  echo "--- what it printed while it booted"
  docker logs --tail 50 "$(cat "$work/id")" || true
  echo "--- its journal"
  inside journalctl --no-pager --lines 300 || true
  echo "--- its failed units"
  inside systemctl --failed --no-pager --no-legend || true
}

build() {
  case $1 in
  linux/amd64) binary=dist/linux-x64/edox-ops ;;
  linux/arm64*) binary=dist/linux-arm64/edox-ops ;;
  *) fail "there is no edox-ops for $1" ;;
  esac
  [ -f "$binary" ] || fail "$binary is missing: npm run build"
  mkdir "$work/context"
  cp "$binary" test/integration/Dockerfile test/integration/run_integration*.sh "$work/context"
  watched docker build --build-arg "BASE_IMAGE=$base" ${DOCKER_PLATFORM:+"--platform=$DOCKER_PLATFORM"} --tag "$image" \
    "$work/context" || fail "the image cannot be built from $base"
}

start() {
  # A control group of its own on version 2. On version 1 systemd needs the machine's hierarchies.
  case $(docker info --format '{{.CgroupVersion}}') in
  1) set -- --cgroupns=host --volume /sys/fs/cgroup:/sys/fs/cgroup ;;
  *) set -- --cgroupns=private ;;
  esac
  # An engine in it cannot stack its layers on those of this one: it has volumes, which go with the container.
  set -- "$@" ${DOCKER_PLATFORM:+"--platform=$DOCKER_PLATFORM"} --volume /var/lib/docker --volume /var/lib/containerd
  docker run --detach --tty --privileged --cidfile "$work/id" --env SYSTEMD_COLORS=0 --tmpfs /run --tmpfs /run/lock \
    "$@" "$image" >/dev/null || fail "the container does not start"
}

booted() {
  tries=$boot_limit
  while [ "$tries" -gt 0 ]; do
    state=$(inside systemctl is-system-running 2>&1) || true
    case $state in
    running) return ;;
    degraded)
      inside systemctl --failed --no-pager --no-legend
      return
      ;;
    esac
    [ "$(docker inspect --format '{{.State.Running}}' "$(cat "$work/id")")" = true ] || fail "systemd ended: $state"
    tries=$((tries - 1))
    sleep 1
  done
  fail "systemd has not booted after $boot_limit s: $state"
}

check() {
  # shellcheck disable=SC2086 # a command and its arguments
  watched docker exec --env EDOX_DOCKER_MIRROR --env EDOX_RUNNER_MIRROR "$(cat "$work/id")" $script ||
    fail "$(inside cat /run/integration-failed 2>/dev/null || echo "$script ended with $ended")"
}

platform=$(docker version --format '{{.Server.Os}}/{{.Server.Arch}}' 2>"$work/said") ||
  fail "no Docker engine answers: $(tail -n 1 "$work/said")"
build "${DOCKER_PLATFORM:-$platform}"
start
booted
check
