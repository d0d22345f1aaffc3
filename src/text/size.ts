const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];

/** Returns a number of bytes in the binary unit that suits it, with three digits: "1 byte", "319 KiB", "2.7 MiB". */
export function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} ${bytes === 1 ? "byte" : "bytes"}`;
  // Rounding may reach the next unit: 1023.6 KiB is 1.0 MiB.
  let power = Math.min(Math.floor(Math.log2(bytes) / 10), units.length - 1);
  if (Math.round(bytes / 1024 ** power) >= 1000 && power < units.length - 1) power += 1;
  const amount = bytes / 1024 ** power;
  return `${amount.toFixed(amount < 99.95 ? 1 : 0)} ${units[power]}`;
}
