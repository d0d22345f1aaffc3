#!/bin/bash
# What a host must do, from bare to a site that is served and a runner for CI: run in the container of run_docker.sh.
# EDOX_DOCKER_MIRROR and EDOX_RUNNER_MIRROR are flags for the repositories that are asked in place of the real ones.
set -Eeu

cause_file=/run/integration-failed
logs=/var/log/edox-ops
site=/srv/site
checks=0
out=
read -ra docker_mirror <<<"${EDOX_DOCKER_MIRROR:-}"
read -ra runner_mirror <<<"${EDOX_RUNNER_MIRROR:-}"

fail() {
  echo "$1" >"$cause_file"
  [ -z "$out" ] || printf '%s\n' "$out"
  echo "FAILED $1"
  exit 1
}
trap 'fail "line $LINENO: $BASH_COMMAND"' ERR

held() {
  checks=$((checks + 1))
  echo "ok     $1"
}

# ends CODE WORDS COMMAND...: what it prints is in $out.
ends() {
  local wanted=$1 words=$2 code=0
  shift 2
  out=$("$@" 2>&1 </dev/null) || code=$?
  [ "$code" = "$wanted" ] || fail "$words: $* ended with $code, not $wanted"
  held "$words"
}

# Of what ran last.
printed() {
  [[ $out == *"$1"* ]] || fail "it does not print: $1"
  held "it prints: $1"
}

# logged FILE STEP WORD: how the step ended in the last run.
logged() {
  local last
  last=$(grep -E "STEP $2 (SUCCESS|SKIPPED|FAILURE) " "$logs/$1.log" | tail -n 1) || true
  [[ $last == *"STEP $2 $3 returncode=0" ]] || fail "$1.log says of $2: ${last:-nothing}, not $3"
  held "$1.log: STEP $2 $3"
}

# All that a run might write, but for its log and for what a deploy notes for the next one.
listing() {
  find /etc /usr/local /var/www /var/lib/dpkg -name .digests -prune -o -type d -printf '%p %m %U:%G\n' \
    -o -printf '%p %y %m %U:%G %s %T@ %l\n' | sort
  find /etc -type f -exec sha256sum {} + | sort
}

# unchanged WORDS COMMAND...
unchanged() {
  local before
  before=$(listing)
  ends 0 "$@"
  out=$(diff <(printf '%s\n' "$before") <(listing)) || fail "$1: files changed"
  held "$1: no file changed"
}

# served NAME TEXT
served() {
  out=$(curl -sS --max-time 10 --resolve "$1:80:127.0.0.1" "http://$1/" 2>&1) || true
  [ "$out" = "$2" ] || fail "http://$1/ gives something else than $2"
  held "http://$1/ gives $2"
}

not_served() {
  ! out=$(curl -sS --max-time 10 --resolve "$1:80:127.0.0.1" "http://$1/" 2>&1) || fail "http://$1/ is still served"
  held "http://$1/ is not served"
}

platform() {
  # shellcheck source=/dev/null
  . /etc/os-release
  case " $ID ${ID_LIKE:-} " in
  *" debian "*) held "$PRETTY_NAME is of Debian's family" ;;
  *) fail "$PRETTY_NAME is not of Debian's family" ;;
  esac
  case "$(uname -m) $(dpkg --print-architecture)" in
  "x86_64 amd64" | "aarch64 arm64") held "the kernel and the packages are of $(dpkg --print-architecture)" ;;
  *) fail "the kernel is of $(uname -m), the packages are of $(dpkg --print-architecture)" ;;
  esac
  ends 0 "edox-ops runs here" edox-ops --version
}

bootstrap() {
  ends 2 "bootstrap without --yes is refused" edox-ops bootstrap
  ends 3 "bootstrap --check: there is something to do" edox-ops bootstrap --check
  ends 0 "bootstrap" edox-ops bootstrap --yes
  for step in packages.install nginx.prepare bootstrap.complete; do logged bootstrap "$step" SUCCESS; done
  unchanged "bootstrap again" edox-ops bootstrap --yes
  for step in packages.install nginx.prepare bootstrap.complete; do logged bootstrap "$step" SKIPPED; done
  ends 0 "bootstrap --check: there is nothing to do" edox-ops bootstrap --check
  ends 0 "nginx runs" systemctl is-active nginx
}

healthy() {
  ends 0 "doctor finds nothing that fails" edox-ops doctor
  printed "[OK] host:platform: "
  printed "Doctor: host looks ready."
}

version() {
  mkdir -p "$site"
  echo "$1" >"$site/index.html"
}

project() {
  version one
  ends 0 "project add" edox-ops project add demo --domain demo.test --source-path "$site"
  ends 1 "project add again is refused" edox-ops project add demo --domain demo.test
  ends 0 "project init" edox-ops project init demo
  unchanged "project init again" edox-ops project init demo
  ends 0 "project deploy" edox-ops project deploy demo
  not_served demo.test
  ends 0 "project enable" edox-ops project enable demo
  served demo.test one
  unchanged "project enable again" edox-ops project enable demo
  ends 0 "project validate" edox-ops project validate demo
  version two
  ends 0 "a second deploy" edox-ops project deploy demo
  served demo.test two
  unchanged "the same deploy again" edox-ops project deploy demo
  ends 1 "project restore without --yes is refused" edox-ops project restore demo
  ends 0 "project restore" edox-ops project restore demo --yes
  served demo.test one
  unchanged "project restore again" edox-ops project restore demo --yes
  served demo.test one
  healthy
  printed "[OK] project:demo: "
  ends 0 "project disable" edox-ops project disable demo
  not_served demo.test
  unchanged "project disable again" edox-ops project disable demo
  ends 0 "project remove" edox-ops project remove demo
  ends 1 "project remove again is refused" edox-ops project remove demo
  ends 0 "what was deployed stays" test -f /var/www/docs/demo/index.html
}

runner() {
  ends 0 "gitlab-runner install" edox-ops gitlab-runner install --yes "${runner_mirror[@]}"
  for step in user.create install service.install; do logged gitlab-runner-install "runner.$step" SUCCESS; done
  unchanged "gitlab-runner install again" edox-ops gitlab-runner install --yes "${runner_mirror[@]}"
  for step in user.create install service.install; do logged gitlab-runner-install "runner.$step" SKIPPED; done
  ends 0 "the runner's service runs" systemctl is-active gitlab-runner
}

docker_installed() {
  local prepare=(edox-ops gitlab-runner prepare-ci-host --yes --only docker.install)
  ends 0 "prepare-ci-host --only docker.install" "${prepare[@]}" "${docker_mirror[@]}"
  logged gitlab-runner-ci-host docker.install SUCCESS
  unchanged "the same again" "${prepare[@]}" "${docker_mirror[@]}"
  logged gitlab-runner-ci-host docker.install SKIPPED
  ends 0 "Docker answers" docker info
}

ci_host() {
  local prepare=(edox-ops gitlab-runner prepare-ci-host --yes "${docker_mirror[@]}" "${runner_mirror[@]}")
  ends 0 "prepare-ci-host" "${prepare[@]}"
  printed "edox-ops gitlab-runner register --profile ci"
  logged gitlab-runner-ci-host docker.install SUCCESS
  logged gitlab-runner-ci-host runner.install SKIPPED
  unchanged "prepare-ci-host again" "${prepare[@]}"
  logged gitlab-runner-ci-host docker.install SKIPPED
  ends 0 "Docker answers" docker info
  ends 0 "gitlab-runner status" edox-ops gitlab-runner status
}

# all PART...: in their order, then one line.
all() {
  rm -f "$cause_file"
  local part
  for part; do
    echo "--- $part"
    "$part"
  done
  echo "$(basename "$0"): $checks checks hold on $PRETTY_NAME, $(dpkg --print-architecture)"
}

# The smoke script takes its parts from here.
if [ "${BASH_SOURCE[0]}" = "$0" ]; then all platform bootstrap healthy project runner ci_host healthy; fi
