#!/bin/sh
# Installs edox-ops @VERSION@ on this host: fetched, checked against what stands in here, then renamed into its place.
#   curl -fsSL @BASE_URL@/permalink/latest/downloads/install.sh | sudo sh
#   … | sudo sh -s -- bootstrap --yes     and what stands after the dashes is run with it
#   … | sudo EDOX_VERSION=1.2.3 sh        that version, or `latest`: its SHA256SUMS must be signed with the key below
# EDOX_INSTALL_DIR: another folder than /usr/local/bin. EDOX_BASE_URL: a mirror, laid out as @BASE_URL@, or the
# address of a release's files with {version} in it.
# EDOX_OFFLINE_FILE: the executable, its .gz or its .deb, fetched before; beside it SHA256SUMS and SHA256SUMS.sig where
# EDOX_VERSION is another release. Or a bundle, or any part of a split one: it contains all of these.

# Makes bash one of POSIX, in which no function stands before the shell's own commands.
POSIXLY_CORRECT=1
set -eu
umask 022

# Of the executable beside what was fetched, and a bit more, as df counts.
room_kb=180000

die() {
  say "error: $1
hint: $2"
  exit 1
}

# Not the password of a mirror.
say() { printf '%s\n' "$*" | sed 's|://[^/@ ]*@|://|g' >&2; }

has() { command -v "$1" >/dev/null 2>&1; }

@UNFIT@

main() {
  clean_environment
  released='@VERSION@'
  public_key='@PUBLIC_KEY@'
  sums='@SUMS@'
  dir=${EDOX_INSTALL_DIR:-/usr/local/bin}
  dir=${dir%/}
  target=$dir/edox-ops
  offline=${EDOX_OFFLINE_FILE:-}
  parts=
  wanted=${EDOX_VERSION:-}
  wanted=${wanted#v}
  version=${wanted:-$released}
  base=${EDOX_BASE_URL:-@BASE_URL@}
  base=${base%/}

  check_words
  check_tools
  find_platform
  enter_dir
  [ -z "$parts" ] || open_bundle
  if [ "$version" != "$released" ]; then
    [ -n "$offline" ] || check_room
    get_signed_sums
  fi
  binary_sum=$(sum_of "edox-ops-linux-$arch")
  [ -n "$binary_sum" ] || die "edox-ops $version has no checksum for edox-ops-linux-$arch" \
    "fetch the installer again; where it stays so, $base is not a release of edox-ops"

  if [ -f "$target" ] && is_trusted "$target" && [ "$(sha256 "$target")" = "$binary_sum" ]; then
    [ -x "$target" ] || chmod 0755 "$target" 2>/dev/null || die "$target is not executable" "sudo chmod 0755 $target"
    end "edox-ops $version is installed already: $target" "$@"
  fi
  check_order
  check_room
  get_asset
  unpack
  try_it
  put_in_place
  end "edox-ops $version is installed: $target" "$@"
}

# Some hundred variables steer curl, wget, gzip, tar, dpkg, openssl and the C library, files below HOME do, and bash takes
# functions from there: what is not needed is removed. Proxies stay.
clean_environment() {
  unset -f env sed
  for name in $(env | sed -n 's/^BASH_FUNC_\([^=]*\)%%=.*/\1/p'); do unset -f "$name"; done
  for name in $(env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p'); do
    case $name in
      PATH | PWD | TERM | COLORTERM | NO_COLOR | FORCE_COLOR | EDOX_*) ;;
      http_proxy | https_proxy | ftp_proxy | all_proxy | no_proxy) ;;
      HTTP_PROXY | HTTPS_PROXY | FTP_PROXY | ALL_PROXY | NO_PROXY) ;;
      # Some are read-only in bash.
      *) if (unset "$name") 2>/dev/null; then unset "$name"; fi ;;
    esac
  done
  clean_path
  HOME=/nonexistent LC_ALL=C
  export PATH HOME LC_ALL
}

# Of PATH what is absolute, and root's where root runs this.
clean_path() {
  rest=$PATH:
  found=
  while [ -n "$rest" ]; do
    entry=${rest%%:*}
    rest=${rest#*:}
    case $entry in /*) ;; *) continue ;; esac
    # shellcheck disable=SC3067 # dash and busybox have -O too, and it takes no program
    if [ -O / ] && ! [ -O "$entry" ]; then continue; fi
    found=$found${found:+:}$entry
  done
  PATH=${found:-/usr/sbin:/usr/bin:/sbin:/bin}
}

check_words() {
  case $dir in
    /*) ;;
    *) die "EDOX_INSTALL_DIR is not a path from / on: $dir" "EDOX_INSTALL_DIR=/usr/local/bin" ;;
  esac
  # Unencrypted only where the operator wrote it so, and then nobody leads on to another such place.
  case $base in
    https://*) schemes=https ;;
    http://*) schemes=http,https ;;
    *) die "EDOX_BASE_URL is not an address: $base" \
      "EDOX_BASE_URL=https://…, without /v$released/downloads at its end, or with {version} in it" ;;
  esac
  case $version in
    latest)
      case $base in
        *'{version}'*) die "$base does not report the latest release" "EDOX_VERSION=$released" ;;
      esac
      ;;
    *[!0-9.]* | *.*.*.* | .* | *. | *..*) die "EDOX_VERSION is not a version: $version" "EDOX_VERSION=$released" ;;
    *.*.*) ;;
    *) die "EDOX_VERSION is not a whole version: $version" "EDOX_VERSION=$released" ;;
  esac
}

check_tools() {
  if has sha256sum; then
    digest=sha256sum
  elif has openssl; then
    digest=openssl
  else
    die "nothing here computes a SHA-256: neither sha256sum nor openssl" "sudo apt-get install coreutils"
  fi
  if [ -n "$offline" ]; then
    client=none
    find_bundle
    [ -n "$parts" ] || [ -f "$offline" ] ||
      die "EDOX_OFFLINE_FILE does not exist: $offline" "EDOX_OFFLINE_FILE=/the/path/of/a/file"
  elif has curl; then
    client=curl
  elif has wget && wget --version 2>/dev/null | grep -q 'GNU Wget'; then
    client=wget
  elif has wget; then
    client=busybox
  else
    die "nothing here fetches files: neither curl nor wget" "sudo apt-get install curl ca-certificates"
  fi
}

sha256() {
  case $digest in
    sha256sum) sum=$(sha256sum <"$1") && printf '%s\n' "${sum%% *}" ;;
    openssl) sum=$(openssl dgst -sha256 -r <"$1") && printf '%s\n' "${sum%% *}" ;;
  esac
}

sum_of() { printf '%s\n' "$sums" | sed -n "s/^\([0-9a-f]\{64\}\)  $1\$/\1/p" | tail -n 1; }

find_platform() {
  [ "$(uname -s)" = Linux ] || die "edox-ops is for Linux, this is $(uname -s)" "run this on the host itself: ssh host"
  # The runtime inside finds itself there.
  [ -r /proc/self/stat ] || die "/proc is not mounted, edox-ops does not start without it" \
    "sudo mount -t proc proc /proc"
  # The kernel's word is not enough: a 64-bit one runs under a 32-bit system.
  packages=$(dpkg --print-architecture 2>/dev/null) || packages=
  header=$(od -An -v -tx1 -N20 </proc/self/exe 2>/dev/null) || header=
  [ -n "$header" ] || header=$(od -An -v -tx1 -N20 </bin/sh 2>/dev/null) || header=
  # shellcheck disable=SC2086 # twenty words
  set -- $header
  bits=${5:-unknown} machine=${19:-unknown}
  case $packages:$bits:$machine in
    *:01:* | armhf:* | armel:* | i386:*)
      die "this system is 32-bit (${packages:-by its programs}), though its kernel says $(uname -m)" \
        "edox-ops needs a 64-bit system: install Debian or Raspberry Pi OS for arm64 or amd64 anew"
      ;;
    amd64:* | :02:3e) arch=x64 deb_arch=amd64 loader=/lib64/ld-linux-x86-64.so.2 ;;
    arm64:* | :02:b7) arch=arm64 deb_arch=arm64 loader=/lib/ld-linux-aarch64.so.1 ;;
    :unknown:*) die "the architecture of this system is not known: neither dpkg nor od reports it" \
      "sudo apt-get install coreutils" ;;
    *) die "there is no edox-ops for ${packages:-machine $machine} ($(uname -m))" "it runs on amd64 and arm64" ;;
  esac
  obstacle=$(unfit "$deb_arch")
  [ -z "$obstacle" ] || die "${obstacle%%
*}" "${obstacle#*
}"
  [ -e "$loader" ] && return
  for musl in /lib/ld-musl-*; do
    [ -e "$musl" ] || continue
    die "this system has the musl C library, as Alpine has; edox-ops needs glibc" "use a Debian or Ubuntu host"
  done
  die "the C library of this system is not known: $loader is missing" "use a Debian or Ubuntu host"
}

enter_dir() {
  if [ -z "${EDOX_INSTALL_DIR:-}" ] && dpkg-query -W -f '${Status}\n' edox-ops 2>/dev/null | grep -q ' installed$'; then
    die "the Debian package edox-ops is installed here, apt owns it" \
      "sudo apt-get install ./edox-ops_${version}_$deb_arch.deb, or first: sudo apt-get remove edox-ops"
  fi
  user=$(id -u)
  # What is made below it is this user's.
  there=$dir
  while [ ! -d "${there:-/}" ]; do there=${there%/*}; done
  demand_trusted "$(readlink -f "${there:-/}")"
  [ -d "$dir" ] || mkdir -p "$dir" 2>/dev/null || die "the folder $dir cannot be made" "run it as root: … | sudo sh"
  # A link that leads there may be another user's.
  dir=$(readlink -f "$dir")
  target=$dir/edox-ops
  demand_trusted "$dir"
  [ ! -d "$target" ] || die "$target is a folder" "sudo mv $target $target.old"
  take_lock
  work=$dir/$name
  trap leave EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  rm -rf "$work" 2>/dev/null || true
  if ! (umask 077 && mkdir "$work" 2>/dev/null); then
    if [ "$(id -u)" = 0 ]; then
      die "nothing can be written to $dir: a read-only file system, or a full one" \
        "look: findmnt -T $dir; df $dir; or another folder: EDOX_INSTALL_DIR=/opt/bin"
    fi
    die "$dir cannot be written to by $(id -un)" "run it as root: … | sudo sh; or EDOX_INSTALL_DIR=\$HOME/.local/bin"
  fi
}

# Root runs what is in this directory, a path without links: nobody else may be able to exchange it.
demand_trusted() {
  [ "$user" = 0 ] || return 0
  bad=$(changeable "$1")
  [ -z "$bad" ] || die "$dir is no place for a program of root's: others than root can change $bad" \
    "look: ls -ld $bad; a program of your own needs no sudo; another folder: EDOX_INSTALL_DIR=/opt/bin"
}

is_trusted() { [ "$user" != 0 ] || [ -z "$(changeable "$(readlink -f "$1")")" ]; }

# Prints what of a path without links others than root can change or exchange: itself, or a directory above it. In a sticky
# directory above it, such as /tmp, nobody exchanges an entry of root's. Of group 50, staff, Debian has those who may write
# /usr/local: they are as good as root.
changeable() {
  part=$1 above=no
  while :; do
    # shellcheck disable=SC2046 # three numbers
    set -- $(stat -c '%u %g 0%a' "$part")
    mode=$3
    if [ $above = yes ] && [ $((mode & 01000)) != 0 ]; then mode=0; fi
    case $2 in 0 | 50) mode=$((mode & 07757)) ;; esac
    if [ "$1" != 0 ] || [ $((mode & 022)) != 0 ]; then
      printf '%s\n' "$part"
      return 0
    fi
    [ "$part" != / ] || return 0
    part=${part%/*}
    part=${part:-/} above=yes
  done
}

# The lock of self-update, which ends with its holder. Any user who can open a lock file can hold its lock: the directory
# of the locks is for its owner alone.
take_lock() {
  # Without a lock, a directory of one's own to work in.
  name=.edox-ops.new.$$
  locks=/run/edox-ops
  [ "$user" = 0 ] || locks=$dir/.edox-ops.locks
  has flock || return 0
  [ -e "$locks" ] || [ -L "$locks" ] || mkdir -m 700 "$locks" 2>/dev/null || [ -e "$locks" ] || return 0
  [ "$(stat -c '%u %a %F' "$locks")" = "$user 700 directory" ] ||
    die "$locks is not a directory that only its owner can open: others could hold the lock in it" \
      "look: ls -ld $locks; it is made again after: sudo rm -r $locks"
  exec 9>>"$locks/program.lock"
  if ! flock -n 9; then
    say "another installer or self-update is at work: waiting for it"
    flock -w 600 9 || return 0
  fi
  name=.edox-ops.new
}

leave() {
  # bash runs this in a background process too that is ended before it has traps of its own.
  read -r own _ </proc/self/stat
  [ "$own" = "$$" ] || return 0
  for child in ${running:-} ${watcher:-}; do
    kill "$child" 2>/dev/null || true
    wait "$child" 2>/dev/null || true
  done
  rm -rf "$work"
}

check_room() {
  free=$(df -Pk "$dir" 2>/dev/null | sed -n '$s/.* \([0-9][0-9]*\)  *[0-9]*%.*/\1/p') || free=
  [ -n "$free" ] || return 0
  [ "$free" -ge "$room_kb" ] || die "$dir has $((free / 1000)) MB free, $((room_kb / 1000)) MB are needed" \
    "make room: df -h $dir; or another folder: EDOX_INSTALL_DIR=/opt/bin"
}

# Of a file of the release.
address() {
  case $base in
    *'{version}'*) printf '%s\n' "${base%%'{version}'*}$version${base#*'{version}'}/$1" ;;
    *)
      place=v$version
      [ "$version" != latest ] || place=permalink/latest
      printf '%s\n' "$base/$place/downloads/$1"
      ;;
  esac
}

# Whether this is the name of a part, as NAME.2of10.
is_part() {
  count=${1##*.}
  case $1/$count in *.*/[1-9]*of[1-9]*) ;; *) return 1 ;; esac
  case ${count%of*}${count##*of} in *[!0-9]* | ?????????*) return 1 ;; esac
}

# Sets `parts` to the number of files of a bundle, and `bundle` to its name without that of a part. Empty for another file.
find_bundle() {
  bundle=$offline
  if is_part "$offline"; then
    bundle=${offline%.*}
    parts=${offline##*of}
  elif [ -f "$offline" ]; then
    # The name of its first file is at the beginning of a tar.
    [ "$(head -c 13 <"$offline")" != manifest.json ] || parts=1
    return
  else
    for part in "$offline".1of[1-9]*; do
      if is_part "$part" && [ -f "$part" ]; then parts=${part##*of}; fi
    done
    [ -n "$parts" ] || return 0
  fi
  number=1
  while [ "$number" -le "$parts" ]; do
    [ -f "$bundle.${number}of$parts" ] || die "part $number of $parts of the bundle is missing: $bundle.${number}of$parts" \
      "copy all parts to the same folder, then run this again"
    number=$((number + 1))
  done
}

# Prints the bytes of the bundle.
bundle_bytes() {
  if [ -f "$bundle" ]; then
    cat "$bundle"
    return
  fi
  number=1
  while [ "$number" -le "$parts" ]; do
    cat "$bundle.${number}of$parts" || return
    number=$((number + 1))
  done
}

# from_bundle FILE BYTES: writes a file of the release from the bundle. It is not trusted yet, and a sparse one may claim
# any size. These files are at the beginning: reading ends there, so tar reports a truncated archive.
from_bundle() {
  bundle_bytes 2>/dev/null | head -c 200000000 | tar -xOf - "program/$1" 2>/dev/null | head -c "$2" >"$work/$1" || true
}

# The installer's own checksums are enough for a bundle with the same release. Another release needs a signature.
open_bundle() {
  for tool in tar gzip; do
    has $tool || die "the bundle cannot be read: $tool is not installed" "EDOX_OFFLINE_FILE=edox-ops-linux-$arch"
  done
  for file in SHA256SUMS SHA256SUMS.sig; do from_bundle $file 1000000; done
  packed=edox-ops-linux-$arch.gz
  carried=$(sed -n "s/^\([0-9a-f]\{64\}\)  $packed\$/\1/p" "$work/SHA256SUMS")
  [ -n "$carried" ] || die "the bundle $bundle does not contain edox-ops for $arch" \
    "create it without --program none; or copy edox-ops-linux-$arch here: EDOX_OFFLINE_FILE=edox-ops-linux-$arch"
  [ -z "$wanted" ] || return 0
  [ "$carried" = "$(sum_of "$packed")" ] || version=latest wanted=latest
}

# Of another release than this installer's: believed because of the key.
get_signed_sums() {
  has openssl || die "the signature of edox-ops $version cannot be verified: openssl is not installed" \
    "sudo apt-get install openssl"
  for file in SHA256SUMS SHA256SUMS.sig; do
    if [ -n "$parts" ]; then
      [ -s "$work/$file" ] || die "the bundle $bundle has no $file, edox-ops $version is not verified" \
        "create the bundle again, with the files of the release: --program DIRECTORY"
    elif [ -n "$offline" ]; then
      case $offline in
        */*) beside=${offline%/*} ;;
        *) beside=. ;;
      esac
      cp "$beside/$file" "$work/$file" 2>/dev/null ||
        die "$beside/$file is missing, edox-ops $version is not verified" "fetch it from $(address "$file")"
    else
      fetch "$(address "$file")" "$work/$file"
    fi
  done
  printf '%s\n' "$public_key" >"$work/key.pem"
  openssl dgst -sha256 -verify "$work/key.pem" -signature "$work/SHA256SUMS.sig" "$work/SHA256SUMS" \
    >/dev/null 2>&1 || die "the signature of SHA256SUMS of edox-ops $version is wrong" \
    "do not install it; fetch the installer anew, the key may have been replaced, and tell its maintainers"
  sums=$(cat "$work/SHA256SUMS")
  # The signature alone would let an old release be served under a new number.
  signed=$(printf '%s\n' "$sums" | sed -n "s/^[0-9a-f]\{64\}  edox-ops_\([0-9.]*\)_$deb_arch\.deb\$/\1/p")
  [ "$version" != latest ] || version=$signed
  [ "$signed" = "${version:-none}" ] || die "what is signed there is edox-ops ${signed:-of no version}, not $version" \
    "EDOX_VERSION=${signed:-$released}; where $version was released, its server or mirror answers wrongly"
}

version_of() {
  "$1" --version 2>/dev/null </dev/null | sed -n '1s/^\([0-9][0-9]*\.[0-9][0-9]*\.[0-9][0-9]*\)$/\1/p'
}

older() {
  left=$1. right=$2.
  while [ -n "$left" ] && [ -n "$right" ]; do
    [ "${left%%.*}" -eq "${right%%.*}" ] || break
    left=${left#*.} right=${right#*.}
  done
  [ -n "$left" ] && [ -n "$right" ] && [ "${left%%.*}" -lt "${right%%.*}" ]
}

# Back only where that version was typed: an old release may be served as the latest.
check_order() {
  case $wanted in
    '') ;;
    latest)
      [ -z "$parts" ] || ! older "$version" "$released" ||
        die "the bundle contains edox-ops $version, which is older than this installer ($released)" \
          "use the installer of that version, or allow the older one: EDOX_VERSION=$version"
      ! older "$version" "$released" ||
        die "the latest release is $version, which is older than this installer ($released)" \
          "EDOX_VERSION=$version where it is meant; else its server or mirror is behind"
      ;;
    *) return 0 ;;
  esac
  [ -x "$target" ] && is_trusted "$target" || return 0
  there=$(version_of "$target")
  [ -n "$there" ] || return 0
  ! older "$version" "$there" || die "$target is $there, and $version is older" \
    "to go back all the same: … | sudo EDOX_VERSION=$version sh"
}

# The smallest that this host unpacks.
get_asset() {
  plain=edox-ops-linux-$arch
  deb=edox-ops_${version}_$deb_arch.deb
  if [ -n "$parts" ]; then
    asset=$plain.gz
    fetched=$work/$asset
    from_bundle "$asset" 100000000
    [ "$(sha256 "$fetched")" != "$(sum_of "$asset")" ] || return 0
    [ "$carried" = "$(sum_of "$asset")" ] || die "the bundle $bundle does not contain edox-ops $version" \
      "install the version of the bundle: run it without EDOX_VERSION"
    die "$asset in the bundle $bundle does not have the checksum of edox-ops $version" \
      "is there room? df -h $dir; else the bundle is damaged: copy it again, and run this again"
  fi
  if [ -n "$offline" ]; then
    got=$(sha256 "$offline")
    for asset in "$deb" "$plain.gz" "$plain" none; do
      [ "$(sum_of "$asset")" != "$got" ] || break
    done
    [ "$asset" != none ] || die "$offline is not of edox-ops $version for $arch: its SHA-256 is $got" \
      "carry $deb of that release here; another release: EDOX_VERSION=…, with its SHA256SUMS and .sig beside it"
    fetched=$offline
    return
  fi
  asset=$plain
  if has gzip && [ -n "$(sum_of "$plain.gz")" ]; then asset=$plain.gz; fi
  # busybox has a dpkg-deb without that.
  if [ -n "$(sum_of "$deb")" ] && has tar && dpkg-deb --help 2>/dev/null | grep -q -e --fsys-tarfile; then
    asset=$deb
  fi
  fetched=$work/$asset
  url=$(address "$asset")
  say "fetching $url"
  fetch "$url" "$fetched"
  expected=$(sum_of "$asset")
  got=$(sha256 "$fetched")
  # A server that mixes two files up in its answers to a resumed download.
  if [ "$got" != "$expected" ] && [ "$resumed" = yes ]; then
    fetch "$url" "$fetched"
    got=$(sha256 "$fetched")
  fi
  [ "$got" != "$expected" ] || return 0
  if head -c 512 "$fetched" | grep -qi -e '<!doctype' -e '<html'; then
    die "$url answers with a web page: a proxy or a login stands in between" \
      "name the proxy: … | sudo https_proxy=http://proxy:3128 sh; or carry $asset here: EDOX_OFFLINE_FILE=$asset"
  fi
  die "$asset does not have the checksum of edox-ops $version: expected $expected, got $got" \
    "run it again; where it stays so, a proxy or mirror changes it: EDOX_BASE_URL=…, or EDOX_OFFLINE_FILE=…"
}

# fetch URL FILE: what came before a cut is kept, and the next try goes on from there.
fetch() {
  rm -f "$2"
  resumed=no idle=0 farthest=0 counted=0
  : >"$work/slow"
  watch_pace "$2" >/dev/null 2>&1 9<&- &
  watcher=$!
  while :; do
    code=0
    case $client in
      curl) fetch_curl "$1" "$2" ;;
      wget) fetch_wget "$1" "$2" ;;
      *) fetch_busybox "$1" "$2" ;;
    esac || code=$?
    [ "$code" = 1 ] || break
    slow=$(size "$work/slow") came=$(size "$2")
    [ "$slow" -le "$counted" ] || reason="less than 60 KiB came in a minute"
    [ "$slow" -lt 3 ] || break
    counted=$slow
    [ "$came" = 0 ] || resumed=yes
    # What came before once is no progress, and a few bytes are none.
    if [ "$came" -ge $((farthest + 1024)) ]; then
      idle=0 farthest=$came
    else
      idle=$((idle + 1))
      [ "$idle" -lt 3 ] || break
      sleep "$idle"
    fi
  done
  kill "$watcher" 2>/dev/null || true
  wait "$watcher" 2>/dev/null || true
  watcher=
  [ "$code" != 0 ] || return 0
  better=
  # It does not say so where it is a certificate.
  [ "$client" != busybox ] || better=" else: sudo apt-get install curl ca-certificates;"
  case $reason in
    *': 404' | '404 '* | *' 404 Not'*)
      die "$1 does not exist: $reason" "is $version released there? EDOX_VERSION=…; a mirror: EDOX_BASE_URL=…" ;;
    *ertificate*) die "$1 cannot be fetched: $reason" \
      "sudo apt-get install ca-certificates; is the clock right? a private CA: see man update-ca-certificates" ;;
    *rite* | *'o space'*)
      die "$1 cannot be kept in $dir: $reason" "make room: df -h $dir; or another folder: EDOX_INSTALL_DIR=/opt/bin" ;;
    'it leads to'*)
      die "$1 cannot be fetched: $reason" "do not use that server: EDOX_BASE_URL=https://… of another" ;;
    *) die "$1 cannot be fetched: $reason" \
      "is the network there?$better proxy: https_proxy=…; mirror: EDOX_BASE_URL=…" ;;
  esac
}

# Ends the client at the end of a minute in which less than 60 KiB came into a file, and counts such minutes in a row: wget
# knows no least rate, and none knows one over several tries. A bad mobile line brings more. A server that sends a byte now
# and then would hold the lock for ever.
watch_pace() {
  # The sleep, at every moment after it was started.
  trap 'kill "$!"; exit 0' HUP INT TERM
  before=0
  # Not longer than the installer, however that ends.
  while kill -0 "$$"; do
    sleep 60 &
    wait "$!" || true
    now=$(size "$1")
    if [ "$now" -ge $((before + 61440)) ]; then
      : >"$work/slow"
    else
      printf x >>"$work/slow"
      kill "$(cat "$work/running")" || true
    fi
    before=$now
  done
}

# Runs a client where the watcher finds it, and a signal does not wait for it. The lock is not the client's.
run() {
  "$@" </dev/null 9<&- &
  running=$!
  printf '%s\n' "$running" >"$work/running"
  ended=0
  # bash says there who was ended.
  wait "$running" 2>/dev/null || ended=$?
  rm -f "$work/running"
  running=
  return "$ended"
}

size() { if [ -f "$1" ]; then wc -c <"$1"; else echo 0; fi; }

# 1: worth another try, 2: not; the reason is told.
fetch_curl() {
  status=0
  run curl -q -fsSL --proto "=$schemes" --proto-redir =https --tlsv1.2 --max-redirs 10 --connect-timeout 20 \
    -C - -o "$2" "$1" 2>"$work/said" || status=$?
  [ "$status" != 0 ] || return 0
  reason=$(sed -n 's/^curl: ([0-9]*) //p' "$work/said" | tail -n 1)
  [ -n "$reason" ] || reason="curl ended with $status"
  case $status:$reason in
    # It cannot go on from there.
    33:* | 22:*416*) rm -f "$2" ;;
    22:*408* | 22:*429* | 22:*' 5'??*) ;;
    1:*) reason="it leads to an address that is not https: $reason" && return 2 ;;
    3:* | 22:* | 23:* | 47:* | 60:* | 77:*) return 2 ;;
  esac
  return 1
}

# Hop by hop: wget itself would follow a redirect from https to http.
fetch_wget() {
  at=$1
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    status=0
    run wget --no-hsts --secure-protocol=TLSv1_2 --max-redirect=0 --tries=1 --timeout=60 --server-response \
      --progress=dot:giga -c -O "$2" -o "$work/said" "$at" || status=$?
    [ "$status" != 0 ] || return 0
    reason=$(sed -n 's/^ *HTTP\/[0-9.]* \([0-9].*\)/\1/p' "$work/said" | tail -n 1)
    next=$(location)
    case $status:$next in
      8:https://*) at=$next ;;
      8:/*)
        host=${at#*://}
        at=${at%%://*}://${host%%/*}$next
        ;;
      8:?*) reason="it leads to an address that is not https: $next" && return 2 ;;
      8:*)
        case $reason in
          5* | 408* | 429*) return 1 ;;
          *) return 2 ;;
        esac
        ;;
      *)
        reason=$(grep -v -e '^ ' -e '^$' "$work/said" | tail -n 1)
        case $status in
          3 | 5) return 2 ;;
          *) return 1 ;;
        esac
        ;;
    esac
  done
  reason="more than ten redirects" && return 2
}

# That of busybox verifies certificates only where openssl is, and follows by itself: the checksums are what counts, and
# what came by an unencrypted way is not taken.
fetch_busybox() {
  status=0
  run wget -S -c -O "$2" "$1" 2>"$work/said" || status=$?
  next=$(location)
  case $next in
    http://*)
      rm -f "$2"
      reason="it leads to an address that is not https: $next" && return 2
      ;;
  esac
  [ "$status" != 0 ] || return 0
  reason=$(sed -n 's/^wget: //p' "$work/said" | tail -n 1)
  [ -n "$reason" ] || reason="wget ended with $status"
  case $reason in
    *' 416 '*) rm -f "$2" ;;
    *'HTTP/'*' 4'??* | *'o space'*) return 2 ;;
  esac
  return 1
}

location() { sed -n 's/^ *[Ll]ocation: *\([^[:space:]]*\).*/\1/p' "$work/said" | tail -n 1; }

unpack() {
  new=$work/edox-ops
  case $asset in
    *.deb) dpkg-deb --fsys-tarfile "$fetched" 2>"$work/said" | tar -xOf - ./usr/bin/edox-ops >"$new" 2>>"$work/said" ;;
    *.gz) gzip -dc <"$fetched" >"$new" 2>"$work/said" ;;
    *) if [ -n "$offline" ]; then cp "$fetched" "$new" 2>"$work/said"; else mv "$fetched" "$new"; fi ;;
  esac || die "$asset cannot be unpacked in $dir: $(tail -n 1 "$work/said")" \
    "is there room? df -h $dir; another folder: EDOX_INSTALL_DIR=/opt/bin"
  [ "$(sha256 "$new")" = "$binary_sum" ] || die "what $asset unpacks to is not edox-ops $version: a wrong checksum" \
    "is there room? df -h $dir; else tell its maintainers"
  chmod 0755 "$new"
}

# Where it does not start, the old one stays.
try_it() {
  code=0
  "$new" --version >"$work/told" 2>"$work/said" </dev/null || code=$?
  [ "$code" != 126 ] || die "$dir does not let programs run: mounted noexec?" "EDOX_INSTALL_DIR=/usr/local/bin"
  case $code in
    132) die "edox-ops $version does not start on this host: this CPU lacks an instruction that it needs" \
      "of a virtual machine set the CPU type to host" ;;
    134 | 139) die "edox-ops $version does not start on this host: it aborts, as it does under a limit on memory ($(limits))" \
      "run it again without that limit: ulimit -v unlimited; ulimit -d unlimited; ulimit -s 8192" ;;
  esac
  [ "$code" = 0 ] || die "edox-ops $version does not start on this host: $(tail -n 1 "$work/said") (code $code)" \
    "it needs Debian 12, Ubuntu 22.04 or newer, on arm64 or amd64"
  there=$(version_of "$new")
  [ "$there" = "$version" ] || die "the download of edox-ops $version reports version ${there:-none}" \
    "do not install it, and tell its maintainers"
}

# Of this shell, in KiB.
# shellcheck disable=SC3045 # dash and busybox have these too
limits() { printf 'ulimit -v %s, -d %s, -s %s' "$(ulimit -v)" "$(ulimit -d)" "$(ulimit -s)"; }

put_in_place() {
  sync "$new" 2>/dev/null || sync
  mv -f "$new" "$target" 2>/dev/null || die "$target cannot be replaced" "ls -ld $dir $target; lsattr $target"
  # Of a self-update: it was not this one's place that it was kept for.
  rm -f "$dir/.edox-ops.previous" 2>/dev/null || true
}

end() {
  line=$1
  shift
  leave
  trap - EXIT
  printf '%s\n' "$line"
  called=$target
  if [ "$(command -v edox-ops 2>/dev/null)" = "$target" ]; then called=edox-ops; fi
  if [ $# -gt 0 ]; then
    exec 9<&-
    exec "$target" "$@"
  fi
  if [ "$(id -u)" != 0 ]; then called="sudo $called"; fi
  printf 'next: %s bootstrap --yes\n' "$called"
  exit 0
}

# In braces: a last line that was cut short is no command either.
{ main "$@"; }
