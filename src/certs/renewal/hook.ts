// The hook that certbot runs after each renewal, for one lineage at a time.

import type { HostReader } from "../../host/host.ts";
import { oneLine } from "../../text/lines.ts";
import { renewalsDir } from "../paths.ts";

/**
 * certbot exits with 0 even if its hook fails, so the hook records its result: `reloaded SECONDS`, or `failed SECONDS`
 * and the reason. nginx keeps its old certificate if a foreign file breaks its configuration. A stopped nginx stays
 * stopped.
 */
export const hookText = `#!/bin/sh
# Written by edox-ops: nginx loads the renewed certificate, and the result is recorded for edox-ops doctor.
set -u
PATH=/usr/sbin:/usr/bin:/sbin:/bin
umask 022
lineage=\${RENEWED_LINEAGE:-}
lineage=\${lineage%/}
name=\${lineage##*/}

record() {
    result=${renewalsDir}/$name
    [ -n "$name" ] || return 0
    mkdir -p ${renewalsDir} && printf '%s\\n' "$1" >"$result.new" && mv -f "$result.new" "$result" && return 0
    rm -f "$result.new"
}

if reason=$(nginx -t -q 2>&1 && systemctl try-reload-or-restart nginx 2>&1); then
    record "reloaded $(date +%s)"
else
    record "failed $(date +%s) $(printf %s "$reason" | tr '\\n' ' ')"
    printf '%s\\n' "$reason" >&2
    exit 1
fi
`;

/** The result of the hook's last run for a lineage. */
export interface HookResult {
  result: "reloaded" | "failed";
  /** Unix milliseconds. */
  at: number;
  /** Why nginx did not load the certificate; "" if it did. */
  reason: string;
}

/** A message of nginx has a few hundred bytes. */
const mostResultBytes = 16 * 1024;

/** Returns the recorded result for a lineage, or null if there is none. */
export function hookResult(reader: HostReader, lineage: string): HookResult | null {
  const path = `${renewalsDir}/${lineage}`;
  if (reader.statTarget(path)?.type !== "file") return null;
  const text = new TextDecoder().decode(reader.head(path, mostResultBytes) ?? undefined);
  const [, result, seconds, reason = ""] = /^(reloaded|failed) (\d{1,12})(?: (.*))?$/m.exec(text) ?? [];
  if (result !== "reloaded" && result !== "failed") return null;
  return { result, at: Number(seconds) * 1000, reason: oneLine(reason) };
}
