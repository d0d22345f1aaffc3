#!/bin/sh
# Debian packages that the tests use. Nothing happens where they are there.
set -eu
packages="strace e2fsprogs qemu-user-static libc6-arm64-cross mmdebstrap systemd-container squashfs-tools nftables iproute2 arch-test gpg gpg-agent openssl zsh fish mandoc chromium libnss3-tools python3-venv rsync shellcheck busybox-static libarchive-tools 7zip zip git dash curl wget skopeo docker-registry openssh-client zstd"
missing=""
for package in $packages; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ]; then
  echo "error: these packages are missing, type: sudo apt-get install$missing" >&2
  exit 1
fi
options="-o Acquire::Retries=3 -o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30"
# shellcheck disable=SC2086 # a list of words
apt-get update -qq $options
# shellcheck disable=SC2086 # a list of words
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $options --no-install-recommends $missing >/dev/null
