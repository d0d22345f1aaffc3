const mebibyte = 1024 * 1024;

/**
 * Returns "1.1 MiB are needed and 1 MiB are free". The needed amount is rounded up and the free one down, so that
 * unequal amounts never print alike.
 */
export function shortageText(neededBytes: number, freeBytes: number): string {
  const needed = Math.ceil((neededBytes / mebibyte) * 10) / 10;
  const free = Math.floor((freeBytes / mebibyte) * 10) / 10;
  return `${needed} MiB are needed and ${free} MiB are free`;
}
