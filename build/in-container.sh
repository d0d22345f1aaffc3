#!/bin/sh
# Builds both programs in a container with Node.js, from a checkout that lies on another system, into dist/ of it.
#   sh build/in-container.sh [DIRECTORY]
# The build runs in DIRECTORY, /build by default, because a checkout that is mounted from Windows has neither the modes
# nor the links of a Linux file system. What the build fetched stays there for the next one.
set -eu
checkout=$(cd "$(dirname "$0")/.." && pwd)
work=${1:-/build}
marker=.edox-ops-build

fail() {
  echo "error: build/in-container.sh: $1" >&2
  exit 1
}

mkdir -p "$work"
work=$(cd "$work" && pwd)
# All but the fetched files is deleted below: only a directory of this script may be.
[ -e "$work/$marker" ] || [ -z "$(ls -A "$work")" ] || fail "$work is not empty and was not made by this script"
: >"$work/$marker"
find "$work" -mindepth 1 -maxdepth 1 ! -name "$marker" ! -name node_modules ! -name .cache -exec rm -rf {} +

# Through a file: a pipe would hide that the first tar failed.
tar -C "$checkout" --exclude=./node_modules --exclude=./docs/node_modules --exclude=./.cache --exclude=./dist \
  -cf "$work/checkout.tar" . || fail "cannot read $checkout"
tar -C "$work" --no-same-owner -xf "$work/checkout.tar" || fail "cannot write to $work"
rm "$work/checkout.tar"
(cd "$work" && npm run build) || fail "the build failed, see above"

rm -rf "$checkout/dist"
mkdir "$checkout/dist"
# SHA256SUMS comes last: while it is missing, test.ps1 builds again.
for name in linux-x64 linux-arm64 SHA256SUMS; do
  cp -R "$work/dist/$name" "$checkout/dist/" || fail "cannot write to $checkout/dist"
done
echo "ok: the programs are in dist"
