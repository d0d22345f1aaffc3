// A disposable host: a real systemd on a minimal Debian, with its own network, processes and control group.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import type { Host } from "../../src/host/host.ts";
import { localHost } from "../../src/host/local.ts";
import { aptCache } from "./apt-cache.ts";
import { type Architecture, baseImage, type Suite } from "./base.ts";
import { controlGroups, endProcesses, nameOf, sweep, takeIndex, unmount } from "./belongings.ts";
import { cutPower, type Disk, makeDisk, mountDisk } from "./disk.ts";
import { emulator, settings } from "./emulator.ts";
import { type Ended, must, run } from "./run.ts";

const bootLimitMs = 60_000;
/** An emulated host takes minutes. */
const startLimitSeconds = 300;
/** Where the built binary is in a host. */
const binaryPath = "/usr/local/bin/edox-ops";

/** Returns why no host can be created here and what to do, or null. */
export function whyNoHosts(): string | null {
  if (process.geteuid?.() !== 0) return "a test host needs root: type `sudo npm start`";
  if (run(["unshare", "--mount", "--net", "--pid", "--fork", "mount", "-t", "tmpfs", "none", "/mnt"]).code !== 0) {
    return "a test host needs namespaces and mounts, which this machine does not give: use a virtual machine";
  }
  return null;
}

interface Machine {
  /** The disk that it writes to, in place of the memory. */
  disk?: Disk | undefined;
  /** Has an ext4 of its own, for programs that stack overlays themselves. */
  plainDir?: string | undefined;
  /** The size of that file system, for truncate(1); 8G by default. */
  plainSize?: string | undefined;
  /** A host of arm64 is emulated, and its computations take many times as long. */
  architecture?: Architecture;
  /** Its link is down when it starts. */
  isDark?: boolean;
  /** The path of a saved state, with which it starts. */
  state?: string | undefined;
}

export class TestHost implements Disposable {
  private readonly dir: string;
  private readonly name: string;
  private readonly index: number;
  private leader = 0;
  private nspawn: Bun.Subprocess | undefined;

  /** Boots a host and returns when it is running. */
  static async up(suite: Suite, machine: Machine = {}): Promise<TestHost> {
    const { disk, plainDir, plainSize = "8G", architecture = "amd64", isDark, state: saved } = machine;
    if (architecture === "arm64") await emulator();
    const image = baseImage(suite, architecture);
    const cachePort = await aptCache();
    const host = new TestHost(disk, plainDir);
    try {
      host.mount(image, saved, plainSize);
      host.settle(cachePort);
      if (architecture === "arm64") host.settleEmulated();
      host.connect(isDark === true);
      const state = await host.boot();
      if (state !== "running") throw new Error(`the host is ${state}\n${host.raw(["systemctl", "--failed"]).stdout}`);
    } catch (error) {
      host.down();
      throw error;
    }
    return host;
  }

  /** Boots a host with nothing but the built binary, or with this saved state of such a host. */
  static async bare(
    suite: Suite = "bookworm",
    disk?: Disk,
    plainDir?: string,
    state?: string,
    plainSize?: string,
  ): Promise<TestHost> {
    return withBinary(await TestHost.up(suite, { disk, plainDir, plainSize, state }));
  }

  /** The same, without a network from before its first start. */
  static async dark(suite: Suite, disk?: Disk, plainDir?: string): Promise<TestHost> {
    return withBinary(await TestHost.up(suite, { disk, plainDir, isDark: true }));
  }

  private constructor(
    private readonly disk?: Disk,
    private readonly plainDir?: string,
  ) {
    this.dir = mkdtempSync(`${tmpdir()}/edox-host-`);
    this.index = takeIndex(this.dir);
    this.name = nameOf(this.index);
  }

  get address(): string {
    return `10.231.${this.index}.2`;
  }

  /** This machine's address on the host's network. */
  get gateway(): string {
    return `10.231.${this.index}.1`;
  }

  /** The host's end and this machine's end of an IPv6 network between them, which {@link TestHost.addIpv6} adds. */
  get ipv6(): { host: string; gateway: string } {
    return { host: `fd31:${this.index}::2`, gateway: `fd31:${this.index}::1` };
  }

  /** The path of the host's files on this machine. */
  get root(): string {
    return `${this.dir}/root`;
  }

  private get diskImage(): string {
    return `${this.dir}/disk.img`;
  }

  private mount(image: string, state: string | undefined, plainSize: string): void {
    for (const name of ["base", "disk", "root"]) mkdirSync(`${this.dir}/${name}`);
    // An overlay cannot be stacked on an overlay, so the upper layer has a file system of its own.
    if (this.disk) makeDisk(this.diskImage, this.disk);
    else must(["mount", "-t", "tmpfs", "-o", "size=3g", "none", `${this.dir}/disk`]);
    must(["mount", "-o", "loop,ro", image, `${this.dir}/base`]);
    if (this.plainDir) mountPlain(`${this.dir}/plain.img`, `${this.dir}/plain`, plainSize);
    this.mountLayers(state);
  }

  private mountLayers(state?: string): void {
    if (this.disk) mountDisk(this.diskImage, `${this.dir}/disk`, this.disk);
    for (const name of ["upper", "work"]) mkdirSync(`${this.dir}/disk/${name}`, { recursive: true });
    if (state !== undefined)
      must(["unsquashfs", "-quiet", "-no-progress", "-force", "-dest", `${this.dir}/disk/upper`, state]);
    const layers = `lowerdir=${this.dir}/base,upperdir=${this.dir}/disk/upper,workdir=${this.dir}/disk/work`;
    must(["mount", "-t", "overlay", "overlay", "-o", layers, this.root]);
  }

  private settle(cachePort: number): void {
    writeFileSync(`${this.root}/etc/resolv.conf`, readFileSync("/etc/resolv.conf"));
    writeFileSync(`${this.root}/etc/hostname`, `${this.name}\n`);
    const names = `${outerHosts()}127.0.0.1 localhost ${this.name}\n::1 localhost\n${this.gateway} gateway\n`;
    writeFileSync(`${this.root}/etc/hosts`, names);
    const proxy = [
      `Proxy "http://gateway:${cachePort}";`,
      'Proxy::127.0.0.1 "DIRECT";',
      // Files that a test serves there may change at any time.
      `Proxy::${this.gateway} "DIRECT";`,
      // The cache answers one request per connection at a time.
      'Pipeline-Depth "0";',
    ];
    writeFileSync(`${this.root}/etc/apt/apt.conf.d/90cache`, `Acquire::http {\n${proxy.join("\n")}\n}\n`);
  }

  /** Applies the emulator's settings to each of its units. */
  private settleEmulated(): void {
    const dir = `${this.root}/etc/systemd/system/service.d`;
    mkdirSync(dir);
    writeFileSync(`${dir}/emulated.conf`, settings);
  }

  private connect(isDark: boolean): void {
    const { name, address, gateway } = this;
    const out = /dev (\S+)/.exec(must(["ip", "-o", "route", "show", "default"]))?.[1] ?? "lo";
    must(["ip", "netns", "add", name]);
    must(["ip", "link", "add", `ve-${name}`, "type", "veth", "peer", "name", "host0", "netns", name]);
    must(["ip", "addr", "add", `${gateway}/30`, "dev", `ve-${name}`]);
    must(["ip", "link", "set", `ve-${name}`, "up"]);
    must(["ip", "-n", name, "link", "set", "lo", "up"]);
    must(["ip", "-n", name, "addr", "add", `${address}/30`, "dev", "host0"]);
    must(["ip", "-n", name, "link", "set", "host0", "mtu", "1400"]);
    if (!isDark) {
      must(["ip", "-n", name, "link", "set", "host0", "up"]);
      must(["ip", "-n", name, "route", "add", "default", "via", gateway]);
    }
    writeFileSync("/proc/sys/net/ipv4/ip_forward", "1");
    const chain = "{ type nat hook postrouting priority 100; }";
    must(["nft", `add table ip ${name}`]);
    must(["nft", `add chain ip ${name} out ${chain}`]);
    must(["nft", `add rule ip ${name} out ip saddr ${address} oifname ${out} masquerade`]);
  }

  /** Adds IPv6 to the link, and further addresses of this machine from which a test connects to the host. */
  addIpv6(...clients: string[]): void {
    const { name, ipv6 } = this;
    const add = (address: string) => {
      const flags = address.includes(":") ? ["nodad"] : [];
      must(["ip", "addr", "add", address, "dev", `ve-${name}`, ...flags]);
    };
    add(`${ipv6.gateway}/64`);
    for (const client of clients) add(`${client}/${client.includes(":") ? 128 : 32}`);
    must(["ip", "-n", name, "addr", "add", `${ipv6.host}/64`, "dev", "host0", "nodad"]);
    must(["ip", "-n", name, "route", "replace", "default", "via", ipv6.gateway]);
  }

  /**
   * `cut`: the link is down. `lost`: all packets are dropped silently. `lossy`: every fifth packet is dropped, in both
   * directions. `slow`: one megabit per second.
   */
  network(state: "up" | "cut" | "lost" | "lossy" | "slow"): void {
    const { name } = this;
    const link = `ve-${name}`;
    must(["ip", "-n", name, "link", "set", "host0", state === "cut" ? "down" : "up"]);
    if (state !== "cut") must(["ip", "-n", name, "route", "replace", "default", "via", this.gateway]);
    run(["tc", "qdisc", "del", "dev", link, "root"]);
    const rate = "root tbf rate 1mbit burst 32kb latency 1s".split(" ");
    if (state === "slow") must(["tc", "qdisc", "add", "dev", link, ...rate]);
    const rules: Partial<Record<typeof state, string>> = { lost: "drop", lossy: "numgen random mod 5 == 0 drop" };
    const rule = rules[state];
    // Packets are dropped at the receiving side, because a sender notices its own drops.
    const ends = [
      ["self", name, link],
      [this.leader, "loss", "host0"],
    ];
    for (const [space, table, dev] of ends) {
      const nft = (words: string) => must(["nsenter", `--net=/proc/${space}/ns/net`, "nft", words]);
      nft(`add table ip ${table}`);
      nft(`add chain ip ${table} loss { type filter hook prerouting priority -300; }`);
      nft(`flush chain ip ${table} loss`);
      if (rule) nft(`add rule ip ${table} loss iifname ${dev} ${rule}`);
    }
  }

  /**
   * Gives a dark host a link and a route that look right. Each packet is counted and dropped, because without a link a
   * program that tries to send looks like one that does not.
   */
  countPackets(): void {
    this.network("up");
    const nft = (words: string) => must(["nsenter", `--net=/proc/${this.leader}/ns/net`, "nft", words]);
    nft("add table inet sent");
    // What containers send is forwarded, and passes here too.
    nft("add chain inet sent out { type filter hook postrouting priority -300; }");
    nft('add rule inet sent out oifname "host0" icmpv6 type != echo-request drop');
    nft('add rule inet sent out oifname "host0" counter drop');
  }

  /** Returns the number of packets that the host has tried to send since its start, or since they are counted. */
  packetsSent(): number {
    const sent = Number(this.raw(["cat", "/sys/class/net/host0/statistics/tx_packets"]).stdout);
    const table = run(["nsenter", `--net=/proc/${this.leader}/ns/net`, "nft", "list table inet sent"]);
    const counted = /counter packets (\d+)/.exec(table.stdout)?.[1];
    return table.code === 0 ? Number(counted) : sent;
  }

  /** Ends the count. */
  stopCounting(): void {
    run(["nsenter", `--net=/proc/${this.leader}/ns/net`, "nft", "delete table inet sent"]);
  }

  /** Returns systemd's state: running, or degraded if a unit failed. */
  private async boot(): Promise<string> {
    // Without a control group of its own in every hierarchy, all hosts would share one.
    const groups = controlGroups().map((path) => `${path}/${this.name}`);
    for (const group of groups) mkdirSync(group, { recursive: true });
    const join = 'for group; do [ "$group" = -- ] && break; echo $$ >"$group/cgroup.procs"; done';
    const flags = [
      "--quiet",
      "--register=no",
      "--keep-unit",
      "--boot",
      `--machine=${this.name}`,
      `--directory=${this.root}`,
      `--network-namespace-path=/run/netns/${this.name}`,
      "--resolv-conf=off",
      "--timezone=off",
      "--link-journal=no",
      "--capability=all",
      "--system-call-filter=@keyring bpf",
      "--console=pipe",
      ...(this.plainDir ? [`--bind=${this.dir}/plain:${this.plainDir}`] : []),
    ];
    const script = `${join}; while [ "$1" != -- ]; do shift; done; shift; exec "$@"`;
    this.nspawn = Bun.spawn(["setsid", "sh", "-c", script, "sh", ...groups, "--", "systemd-nspawn", ...flags], {
      env: {
        PATH: process.env.PATH ?? "",
        SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: "1",
        SYSTEMD_NSPAWN_API_VFS_WRITABLE: "network",
        SYSTEMD_NSPAWN_LOCK: "0",
      },
      stdin: "ignore",
      stdout: Bun.file(`${this.dir}/console.log`),
      stderr: Bun.file(`${this.dir}/console.log`),
    });
    const { pid } = this.nspawn;
    let child = "";
    for (const end = Date.now() + bootLimitMs; ; await Bun.sleep(20)) {
      // Each search reads all of /proc. The first child only prepares the second, which is the host's init.
      if (!existsSync(`/proc/${child || "none"}`))
        child = run(["pgrep", "-P", String(pid)]).stdout.split("\n")[0] ?? "";
      if (child && existsSync(`/proc/${child}/root/run/systemd/private`)) {
        this.leader = Number(child);
        break;
      }
      if (Date.now() > end || this.nspawn.exitCode !== null) {
        throw new Error(`the host did not boot\n${readFileSync(`${this.dir}/console.log`, "utf8")}`);
      }
    }
    const { code, stdout } = this.raw([
      "timeout",
      String(startLimitSeconds),
      "systemctl",
      "is-system-running",
      "--wait",
    ]);
    if (code !== 124) return stdout.trim();
    const jobs = this.raw(["systemctl", "list-jobs", "--no-pager"]).stdout;
    throw new Error(`the host still starts after ${startLimitSeconds} s\n${jobs}`);
  }

  /** Stops at once, as if the kernel failed, and boots again. All writes are kept, synced or not. */
  async stop(): Promise<void> {
    this.halt();
    await this.boot();
  }

  /** The same, with an empty packet filter, as a kernel has after its boot. */
  async reboot(): Promise<void> {
    this.halt();
    must(["ip", "netns", "exec", this.name, "nft", "flush", "ruleset"]);
    await this.boot();
  }

  /** Stops at once, and boots without the writes that had not reached the disk. */
  async powerCut(): Promise<void> {
    const copy = `${this.dir}/copy.img`;
    cutPower(this.diskImage, `${this.dir}/disk`, copy);
    this.halt();
    unmount(this.dir, "root", "disk");
    renameSync(copy, this.diskImage);
    this.mountLayers();
    await this.boot();
  }

  /** Writes all pending data to the disk. */
  sync(): void {
    must(["sync", "-f", `${this.dir}/disk`]);
  }

  /** Stops the host at once, and saves all that it wrote, except for the program, in an image. */
  save(path: string): void {
    this.halt();
    const fast = ["-comp", "zstd", "-Xcompression-level", "1", "-quiet", "-no-progress"];
    must(["mksquashfs", `${this.dir}/disk/upper`, path, ...fast, "-e", binaryPath.slice(1)]);
  }

  private halt(): void {
    if (this.leader > 0) run(["kill", "-KILL", String(this.leader)]);
    this.nspawn?.kill("SIGKILL");
    endProcesses(this.name);
  }

  /** Returns the host for resources: its own files, and programs that run in it. */
  asHost(): Host {
    const enter = async (argv: readonly string[]): Promise<Ended> => this.raw(argv);
    return { ...localHost(`/proc/${this.leader}/root`), probe: enter, run: enter };
  }

  /** Runs a command in the host, outside its units: children outlive it. */
  raw(argv: readonly string[]): Ended {
    return run(this.entering(argv));
  }

  /** Returns the command line that runs a command in the host. */
  entering(argv: readonly string[]): string[] {
    return ["nsenter", "-t", String(this.leader), "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w", "--", ...argv];
  }

  /** The same, but each sync of the command and its children does nothing. */
  unsynced(argv: readonly string[]): Ended {
    const calls = "fsync,fdatasync,sync,syncfs";
    return this.traced(["-o", "/dev/null", "-e", `trace=${calls}`, "-e", `inject=${calls}:retval=0`], argv);
  }

  /** Runs a command in the host, under this machine's strace with these flags. */
  traced(flags: readonly string[], argv: readonly string[]): Ended {
    return run(["strace", "-f", "-qq", ...flags, ...this.entering(argv)]);
  }

  /** Runs a command in the host as root with a clean environment, in a unit of its own that may be named. */
  run(argv: readonly string[], unit?: string): Ended {
    const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    const named = unit === undefined ? [] : [`--unit=${unit}`];
    const flags = ["--quiet", "--pipe", "--wait", "--collect", "-E", path, "-E", "HOME=/root", ...named];
    // systemd expands variables in arguments. A doubled sign stands for the sign itself.
    const asWritten = argv.map((word) => word.replaceAll("$", "$$$$"));
    return this.raw(["systemd-run", ...flags, "--working-directory=/root", "--", ...asWritten]);
  }

  /** Runs a shell script in the host. */
  sh(script: string): Ended {
    return this.run(["/bin/bash", "-c", script]);
  }

  /** Returns the path of a script that runs a program of this machine in the host's network. */
  onItsNetwork(program: string): string {
    const path = `${this.dir}/on-its-network`;
    const script = `#!/bin/sh\nexec nsenter --net=/proc/${this.leader}/ns/net ${program} "$@"\n`;
    writeFileSync(path, script, { mode: 0o755 });
    return path;
  }

  /** Copies a file of this machine into the host, as an executable. */
  put(from: string, to: string): void {
    must(["install", "-m", "0755", from, `${this.root}${to}`]);
  }

  /** Returns type, mode, owner, size and digest of everything below these folders. */
  listing(...dirs: string[]): string {
    const look =
      'find "$@" -printf "%p %y %m %U:%G %l\\n" | sort; find "$@" -type f -print0 | sort -z | xargs -0r sha256sum';
    return this.run(["/bin/sh", "-c", look, "sh", ...dirs]).stdout;
  }

  down(): void {
    this.halt();
    sweep(this.index, this.dir);
  }

  [Symbol.dispose](): void {
    this.down();
  }
}

function withBinary(host: TestHost): TestHost {
  host.put(`${import.meta.dir}/../../dist/linux-x64/edox-ops`, binaryPath);
  return host;
}

/** Mounts a sparse image, which takes space only as it fills. */
function mountPlain(image: string, dir: string, size: string): void {
  mkdirSync(dir);
  must(["truncate", "-s", size, image]);
  must(["mkfs.ext4", "-q", "-m0", image]);
  must(["mount", "-o", "loop", image, dir]);
}

/** Returns the names in this machine's own hosts file, which may contain a package mirror. */
function outerHosts(): string {
  return readFileSync("/etc/hosts", "utf8")
    .replace(/^.*\blocalhost\b.*$/gm, "")
    .replace(/\n+/g, "\n");
}
