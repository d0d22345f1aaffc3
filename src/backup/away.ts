// A server that stays away. restic repeats a failed request, and after that its cleanup does so for another half an hour.

/** restic goes on after a shorter outage. */
const awayMs = 10 * 60_000;
/** A server that does not answer the first request is reported soon: the location may be wrong. */
const openMs = 45_000;
/**
 * Before 0.15, restic does not print that a request has succeeded. No failure for so long means that, because one
 * attempt and the pause after it take less.
 */
const silentMs = 3 * 60_000;

/**
 * Returns a function that takes each line that restic prints on stderr, and returns whether requests have failed for too long.
 * `now`: milliseconds of a clock that nobody sets.
 */
export function awayTooLong(now: () => number = () => performance.now()): (line: string) => boolean {
  let first = 0;
  let last = Number.NEGATIVE_INFINITY;
  return (line) => {
    // One of several requests may fail again and again while the others transfer data.
    if (line.includes("operation successful after")) {
      last = Number.NEGATIVE_INFINITY;
      return false;
    }
    if (!line.includes("retrying after")) return false;
    const at = now();
    if (at - last > silentMs) first = at;
    last = at;
    return at - first >= (line.includes("<config/") ? openMs : awayMs);
  };
}
