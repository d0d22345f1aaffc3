// The runtime reads these environment variables and has no option to disable that. A user who can set a variable for a
// command of root could run code as root, or have its requests printed. In the binary, the names begin with a NUL byte
// instead, which no environment variable can contain.

const names = ["BUN_BE_BUN", "BUN_OPTIONS", "BUN_INSPECT", "BUN_CONFIG_VERBOSE_FETCH"];

/**
 * Returns the binary with these names disabled; its length stays the same. Throws if a name is not found, because the
 * runtime has then changed.
 */
export function disarm(binary: Uint8Array): Uint8Array {
  const bytes = Buffer.from(binary);
  for (const name of names) {
    let found = 0;
    for (let at = bytes.indexOf(name); at >= 0; at = bytes.indexOf(name, at)) {
      bytes[at] = 0;
      found += 1;
    }
    if (found === 0) throw new Error(`${name} is not in the runtime: look for how it is switched off now`);
  }
  return bytes;
}
