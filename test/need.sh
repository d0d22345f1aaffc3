#!/bin/sh
# Debian packages that the tests use. Nothing happens where they are there.
set -eu
packages="strace qemu-user-static libc6-arm64-cross"
# shellcheck disable=SC2086 # a list of words
if dpkg-query -W -f '${Status}\n' $packages 2>/dev/null | grep -c 'ok installed' | grep -qx 3; then exit 0; fi
if [ "$(id -u)" != 0 ]; then
  echo "error: type: sudo apt-get install $packages" >&2
  exit 1
fi
apt-get update -qq
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null
