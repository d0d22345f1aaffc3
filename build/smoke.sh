#!/bin/sh
# A release on a fresh system without a runtime of any kind: one of its files, the candidate in the package registry, or what
# everybody fetches. CI_COMMIT_TAG says which version; with a variable of GitLab's own for where it lies.
#   sh build/smoke.sh dist/release/edox-ops-linux-x64
#   sh build/smoke.sh candidate | release
set -eu

fail() {
  echo "error: smoke: $1 (to repeat it: CI_COMMIT_TAG=v1.2.3 sh build/smoke.sh FILE)" >&2
  exit 1
}

version=${CI_COMMIT_TAG#v}

# installed BASE ADDRESS: what an operator types, but for where it is.
installed() {
  curl -fsSL --retry 5 -o installer "$2" || fail "$2 cannot be fetched"
  EDOX_BASE_URL=$1 sh installer || fail "$2 does not install"
  program=$(command -v edox-ops) || fail "edox-ops is not found by its name"
}

case ${1:-} in
  candidate)
    files=$CI_API_V4_URL/projects/$CI_PROJECT_ID/packages/generic/edox-ops
    installed "$files/{version}" "$files/$version/install.sh"
    ;;
  release)
    releases=$CI_PROJECT_URL/-/releases
    installed "$releases" "$releases/permalink/latest/downloads/install.sh"
    edox-ops self-update --check || fail "the program does not believe the release that it is of"
    ;;
  '') fail "say which: a file, candidate or release" ;;
  *) program=$1 ;;
esac

for runtime in node python3 bun; do
  ! command -v "$runtime" >/dev/null || fail "$runtime is here, so that nothing is shown"
done
told=$("$program" --version) || fail "$program does not start"
[ "$told" = "$version" ] || fail "$program says that it is $told, not $version"
"$program" --help | grep -q bootstrap || fail "--help does not list bootstrap"
# A container is no host: doctor finds faults, and reports them.
findings=$("$program" doctor --json) || [ $? = 1 ] || fail "doctor ended otherwise than well or with faults"
case $findings in
  *'"schema": 1'*host:platform*) ;;
  *) fail "doctor --json does not report host:platform" ;;
esac
echo "edox-ops $version runs here: $program"
