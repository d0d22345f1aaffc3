// Checksums of files, as sha256sum writes and reads them.

/** A line of `hash  name` each, sorted by name. */
export async function sums(dir: string, names: readonly string[]): Promise<string> {
  const lines = [...names].sort().map(async (name) => {
    const digest = new Bun.CryptoHasher("sha256").update(await Bun.file(`${dir}/${name}`).bytes());
    return `${digest.digest("hex")}  ${name}\n`;
  });
  return (await Promise.all(lines)).join("");
}
