// What a failure of certbot is explained with, and what its explanation consists of.

import type { ProblemCode } from "../../problem/codes.ts";
import { oneLine } from "../../text/lines.ts";

const mostDetail = 300;

/** An error of a certificate authority (RFC 8555, section 6.7). */
export interface AcmeError {
  /** The last part of its URN. */
  type: string;
  detail: string;
  /** The name that was not validated. */
  name?: string;
  /** The server's Retry-After: seconds or a date. */
  retryAfter?: string | undefined;
}

/** What a failure is explained with. */
export interface CertbotContext {
  /** The command of edox-ops that repeats the run. */
  again: readonly string[];
  /** The ACME directory that is asked; certbot's default without it. */
  server?: string | undefined;
}

export interface Explanation {
  code: ProblemCode;
  message: string;
  hint: readonly string[];
}

/** Returns a text of another program as one short line. */
export function shorten(detail: string): string {
  const line = oneLine(detail);
  return line.length > mostDetail ? `${line.slice(0, mostDetail)}…` : line;
}
