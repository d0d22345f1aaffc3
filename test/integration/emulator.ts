// Runs programs of arm64 on a machine of another architecture: the kernel passes them to qemu, in every host as well. A
// separate process registers qemu. It ends with this one, and the registration ends with it.

import * as fs from "node:fs";
import { must } from "./run.ts";

const qemu = "/usr/bin/qemu-aarch64-static";

/**
 * Settings for the units of an emulated host. The processor is the oldest supported one, that of a Raspberry Pi 3 and
 * of a Zero 2 W. A unit with credentials or a private network does not start under qemu.
 */
export const settings = `[Service]
Environment=QEMU_CPU=cortex-a53
LoadCredential=
PrivateNetwork=no
`;

let shared: Promise<void> | undefined;

/** Enables programs of arm64 until this process ends. */
export function emulator(): Promise<void> {
  shared ??= start();
  return shared;
}

async function start(): Promise<void> {
  // The namespace of its own keeps this machine's mounts unchanged.
  const argv = ["unshare", "--mount", process.execPath, import.meta.path];
  const child = Bun.spawn(argv, { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  child.unref();
  for await (const _ of child.stdout) return;
  throw new Error("the kernel was not told of qemu");
}

/** Registers qemu with the kernel, and returns a function that unregisters it. */
function register(): () => void {
  const name = `edox-arm64-${process.pid}`;
  const magic = String.raw`\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00`;
  const mask = String.raw`\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff`;
  must(["mount", "-t", "binfmt_misc", "none", "/mnt"]);
  // The kernel opens qemu now, so that no host needs the file. Set-user-ID programs keep their privileges.
  fs.writeFileSync("/mnt/register", `:${name}:M::${magic}:${mask}:${qemu}:OCF`);
  return () => fs.writeFileSync(`/mnt/${name}`, "-1");
}

if (import.meta.main) {
  const forget = register();
  const end = () => {
    forget();
    process.exit();
  };
  // Ctrl-C is handled by the process that this one ends with.
  process.on("SIGINT", () => undefined);
  process.stdin.on("end", end).resume();
  console.log("up");
}
