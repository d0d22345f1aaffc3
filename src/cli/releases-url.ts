import type { Problem } from "../problem/problem.ts";
import type { Context } from "./context.ts";

/**
 * Returns the URL of the releases without a trailing slash: that of `EDOX_BASE_URL`, as in the installer, or of this
 * program. Throws what `refusal` returns for one that is not a URL.
 */
export function releasesUrl({ variable }: Pick<Context, "variable">, refusal: (base: string) => Problem): string {
  const base = (variable("EDOX_BASE_URL") || EDOX_OPS_RELEASES_URL).replace(/\/+$/, "");
  if (/^https?:\/\//.test(base) && URL.canParse(base)) return base;
  throw refusal(base);
}
