// When the renewal of a certificate is overdue.

/** ACME clients renew when a third of the lifetime is left, so that at least one renewal failed by then. */
const overdueShare = 1 / 4;
/** Certificates of ten years would be overdue for years. */
const mostMs = 30 * 24 * 60 * 60 * 1000;

/**
 * Returns how long before its expiry the renewal of a certificate is overdue, in milliseconds, whether its lifetime is 6
 * days, 90 or 398.
 */
export function overdueMs(lifetimeMs: number): number {
  return Math.min(lifetimeMs * overdueShare, mostMs);
}
