# shellcheck shell=sh
# Put into the installer and into the preinst of the Debian package by the build.

# unfit amd64|arm64: prints why edox-ops cannot run on this machine, and on a second line what to do. Prints nothing where
# it can, or where the kernel does not say.
unfit() {
  case $1 in
    amd64)
      flags=$(sed -n 's/^flags[[:space:]]*: *//p' /proc/cpuinfo 2>/dev/null | head -n 1) || flags=
      [ -n "$flags" ] || return 0
      lacking=
      # What the runtime executes without asking. Each CPU of x86-64-v2 has them: Intel since 2008, AMD since 2011.
      for flag in ssse3 sse4_1 sse4_2 popcnt; do
        case " $flags " in *" $flag "*) ;; *) lacking=$lacking${lacking:+, }$flag ;; esac
      done
      [ -n "$lacking" ] || return 0
      model=$(sed -n 's/^model name[[:space:]]*: *//p' /proc/cpuinfo | head -n 1)
      printf '%s\n' "this CPU (${model:-without a name}) lacks $lacking, which edox-ops needs (x86-64-v2)" \
        "of a virtual machine set the CPU type to host or x86-64-v2 (Proxmox: qm set VMID --cpu host; QEMU: -cpu host)"
      ;;
    arm64)
      page=$(getconf PAGESIZE 2>/dev/null) || return 0
      [ "$page" -gt 16384 ] || return 0
      printf '%s\n' "this kernel has memory pages of $((page / 1024)) KiB, edox-ops needs 4 or 16 KiB" \
        "boot a kernel with 4 KiB pages: sudo apt-get install linux-image-arm64"
      ;;
  esac
}
