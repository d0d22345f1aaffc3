// Checksums of files in the format of sha256sum.

/** Returns one line of `hash  name` per file, sorted by name. */
export async function sums(dir: string, names: readonly string[]): Promise<string> {
  const lines = [...names].sort().map(async (name) => {
    const digest = new Bun.CryptoHasher("sha256").update(await Bun.file(`${dir}/${name}`).bytes());
    return `${digest.digest("hex")}  ${name}\n`;
  });
  return (await Promise.all(lines)).join("");
}
