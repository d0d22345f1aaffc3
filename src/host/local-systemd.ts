// What systemd keeps in no file, asked on its bus through its own library: a child would cost four times as much.

import { dlopen } from "bun:ffi";
import * as fs from "node:fs";

/** The address is ours: the library's own default is taken from the environment, which may name a program to run. */
const socketPath = "/run/dbus/system_bus_socket";
const address = `unix:path=${socketPath}`;
const manager = ["org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager"] as const;
const answerLimitUs = 2_000_000n;

function load() {
  return dlopen("libsystemd.so.0", {
    sd_bus_new: { args: ["ptr"], returns: "i32" },
    sd_bus_set_address: { args: ["u64", "ptr"], returns: "i32" },
    sd_bus_set_bus_client: { args: ["u64", "i32"], returns: "i32" },
    sd_bus_set_method_call_timeout: { args: ["u64", "u64"], returns: "i32" },
    sd_bus_start: { args: ["u64"], returns: "i32" },
    sd_bus_get_property_trivial: {
      args: ["u64", "ptr", "ptr", "ptr", "ptr", "ptr", "i32", "ptr"],
      returns: "i32",
    },
    sd_bus_flush_close_unref: { args: ["u64"], returns: "ptr" },
  }).symbols;
}

/** How many units systemd counts as failed, or null where it or its bus does not answer this user. */
export function failedUnits(): number | null {
  if (!fs.existsSync(socketPath)) return null;
  let library: ReturnType<typeof load>;
  try {
    library = load();
  } catch {
    return null;
  }
  const bus = new BigUint64Array(1);
  if (library.sd_bus_new(bus) < 0) return null;
  const [at = 0n] = bus;
  const count = new Uint32Array(1);
  const [destination, path, name] = manager.map(text);
  const asked = [
    () => library.sd_bus_set_address(at, text(address)),
    () => library.sd_bus_set_bus_client(at, 1),
    () => library.sd_bus_set_method_call_timeout(at, answerLimitUs),
    () => library.sd_bus_start(at),
    () =>
      library.sd_bus_get_property_trivial(
        at,
        destination as Buffer,
        path as Buffer,
        name as Buffer,
        text("NFailedUnits"),
        null,
        "u".charCodeAt(0),
        count,
      ),
  ].every((call) => call() >= 0);
  library.sd_bus_flush_close_unref(at);
  return asked ? (count[0] ?? null) : null;
}

/** As C wants it, which ends at a zero. */
function text(value: string): Buffer {
  return Buffer.from(`${value}\0`);
}
