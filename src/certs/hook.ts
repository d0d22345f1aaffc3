// The hook that certbot runs after each renewal, for one lineage at a time.

import { renewalsDir } from "./paths.ts";

/**
 * certbot exits with 0 even if its hook fails, so the hook records its result: `reloaded SECONDS`, or `failed SECONDS`
 * and the reason. nginx keeps its old certificate if a foreign file breaks its configuration. A stopped nginx stays
 * stopped.
 */
export const hookText = `#!/bin/sh
# Written by edox-ops: nginx loads the renewed certificate, and the result is recorded for edox-ops doctor.
set -u
umask 022
result=${renewalsDir}/\${RENEWED_LINEAGE##*/}
mkdir -p ${renewalsDir}
if reason=$(nginx -t -q 2>&1 && systemctl try-reload-or-restart nginx 2>&1); then
    printf 'reloaded %s\\n' "$(date +%s)" >"$result.new"
    code=0
else
    printf 'failed %s %s\\n' "$(date +%s)" "$(printf %s "$reason" | tr '\\n' ' ')" >"$result.new"
    printf '%s\\n' "$reason" >&2
    code=1
fi
mv -f "$result.new" "$result"
exit $code
`;
