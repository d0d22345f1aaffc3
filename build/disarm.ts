// The runtime obeys names in the environment, and has no switch against it: with them anybody who may set a variable
// for a root's command runs code as root, or has its requests told. In the binary they begin with a zero
// instead, which no variable of an environment can hold.

const names = ["BUN_BE_BUN", "BUN_OPTIONS", "BUN_INSPECT", "BUN_CONFIG_VERBOSE_FETCH"];

/** The same bytes, of the same length, without the names. Throws when one is not found: then the runtime has changed. */
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
