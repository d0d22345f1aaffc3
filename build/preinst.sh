#!/bin/sh
# Before dpkg unpacks the Debian package: a program that does not start here replaces none that does.
set -eu

@UNFIT@

refuse() {
  printf 'error: %s\nhint: %s\n' "$1" "$2" >&2
  exit 1
}

case $1 in install | upgrade) ;; *) exit 0 ;; esac
# With a foreign architecture dpkg takes a 64-bit package on a 32-bit system too.
native=$(dpkg --print-architecture)
if [ "$native" != "$DPKG_MAINTSCRIPT_ARCH" ]; then
  help="edox-ops needs a 64-bit system: install Debian or Raspberry Pi OS for arm64 or amd64"
  case $native in amd64 | arm64) help="install the package for $native instead" ;; esac
  refuse "this system is $native, this package is for $DPKG_MAINTSCRIPT_ARCH" "$help"
fi
obstacle=$(unfit "$native")
[ -z "$obstacle" ] || refuse "${obstacle%%
*}" "${obstacle#*
}"
