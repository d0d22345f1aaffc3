// Programs of arm64 on a machine of another architecture: the kernel hands them to qemu, in every host as well.
// A process of its own has the kernel know that; it ends with this one, and what the kernel was told ends with it.

import * as fs from "node:fs";
import { must } from "./run.ts";

const qemu = "/usr/bin/qemu-aarch64-static";

/**
 * Of the units of an emulated host. The processor is the oldest that is supported, that of a Raspberry Pi 3 and of a
 * Zero 2 W. A unit that loads credentials or has a private network does not start under qemu.
 */
export const settings = `[Service]
Environment=QEMU_CPU=cortex-a53
LoadCredential=
PrivateNetwork=no
`;

let shared: Promise<void> | undefined;

/** From here to the end of this process, programs of arm64 run. */
export function emulator(): Promise<void> {
  shared ??= start();
  return shared;
}

async function start(): Promise<void> {
  // In a namespace of its own: whether the machine has this file system mounted is not changed.
  const argv = ["unshare", "--mount", process.execPath, import.meta.path];
  const child = Bun.spawn(argv, { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  child.unref();
  for await (const _ of child.stdout) return;
  throw new Error("the kernel was not told of qemu");
}

/** The kernel knows qemu; what it answers has the kernel forget it. */
function register(): () => void {
  const name = `edox-arm64-${process.pid}`;
  const magic = String.raw`\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00`;
  const mask = String.raw`\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff`;
  must(["mount", "-t", "binfmt_misc", "none", "/mnt"]);
  // qemu is opened here and now, so that no host needs it; a set-user-ID program there stays one.
  fs.writeFileSync("/mnt/register", `:${name}:M::${magic}:${mask}:${qemu}:OCF`);
  return () => fs.writeFileSync(`/mnt/${name}`, "-1");
}

if (import.meta.main) {
  const forget = register();
  const end = () => {
    forget();
    process.exit();
  };
  // Ctrl-C is for the process that this one ends with.
  process.on("SIGINT", () => undefined);
  process.stdin.on("end", end).resume();
  console.log("up");
}
